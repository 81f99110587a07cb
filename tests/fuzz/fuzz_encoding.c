/* Windows-1252 on any bytes: what comes out does not depend on where it is cut, keeps ASCII, is text unless one of the
 * five bytes without a meaning is there, and never grows over its limit; the guesses at a file's start stay within it.
 * Not here: files. The input's first byte chooses where to cut. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "digitalism/base/buffer.h"
#include "etl/delimiter.h"
#include "etl/encoding.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_start(const char *text, size_t size)
{
    size_t delimiter = DELIMITER_COUNT;
    size_t line = delimiter_line(text, size, &delimiter);
    assert(line <= size && (line > 0) == (delimiter < DELIMITER_COUNT));
    assert(delimiter_guess(text, size) < DELIMITER_COUNT);
    assert(encoding_mark(text, size) <= ENCODING_MARK_UTF32);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char meaningless[] = {'\x81', '\x8D', '\x8F', '\x90', '\x9D', '\0'};
    if (size < 2) {
        return 0;
    }
    const char *text = (const char *) data + 1;
    size -= 1;
    size_t cut = data[0] % (size + 1);
    char *whole = malloc(size * ENCODING_GROWTH_MAX);
    char *pieces = malloc(size * ENCODING_GROWTH_MAX);
    if (whole != NULL && pieces != NULL) {
        size_t length = encoding_from_cp1252(whole, text, size);
        size_t first = encoding_from_cp1252(pieces, text, cut);
        size_t second = encoding_from_cp1252(pieces + first, text + cut, size - cut);
        assert(length == first + second && memcmp(whole, pieces, length) == 0);
        assert(length >= size && length <= size * ENCODING_GROWTH_MAX);
        bool is_text = true;
        for (size_t i = 0; i < size; i++) {
            is_text = is_text && memchr(meaningless, text[i], sizeof(meaningless)) == NULL;
        }
        assert(utf8_is_text(whole, length) == is_text);
    }
    free(whole);
    free(pieces);
    check_start(text, size);
    return 0;
}
