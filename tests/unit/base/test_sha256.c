/* Goal: the sums of FIPS 180-4's own examples, in one piece and in several.
 * Not here: what is summed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "digitalism/base/sha256.h"

static void assert_sum(const char *text, size_t piece, const char *expected)
{
    SHA256_AUTO sha256 = sha256_new();
    char sum[SHA256_TEXT_SIZE];
    assert_non_null(sha256);
    for (size_t at = 0; at < strlen(text); at += piece) {
        sha256_add(sha256, text + at, strnlen(text + at, piece));
    }
    assert_true(sha256_text(sha256, sum));
    assert_string_equal(sum, expected);
}

static void test_published_examples(void **state)
{
    (void) state;
    assert_sum("", 1, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    assert_sum("abc", 3, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    assert_sum("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 56,
               "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
}

static void test_pieces_make_no_difference(void **state)
{
    (void) state;
    for (size_t piece = 1; piece <= 56; piece++) {
        assert_sum("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", piece,
                   "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_published_examples),
        cmocka_unit_test(test_pieces_make_no_difference),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
