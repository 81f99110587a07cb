/* Fuzzes the texts that come from a server that is not PostgreSQL: cleaning and hiding stay within one line. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "db/internal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1);
    if (text == NULL) {
        return 0;
    }
    memcpy(text, data, size);
    text[size] = '\0';
    BUFFER_AUTO clean = BUFFER_EMPTY;
    BUFFER_AUTO hidden = BUFFER_EMPTY;
    char sqlstate[6];
    db_message_clean(&clean, sqlstate, text);
    db_message_redact(&hidden, text);
    size_t state_length = strlen(sqlstate);
    if (strchr(buffer_text(&clean), '\n') != NULL || strchr(buffer_text(&hidden), '\n') != NULL ||
        (state_length != 0 && state_length != 5)) {
        abort();
    }
    (void) db_message_transient(buffer_text(&clean));
    free(text);
    return 0;
}
