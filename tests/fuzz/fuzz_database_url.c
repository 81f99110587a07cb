/* Fuzzes DATABASE_URL: whatever is given, no complaint and no shown text repeats the password that comes apart from it.
 * The input is a URL; its bytes behind the first NUL are the password. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "digitalism/db.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char secret[] = "\x01s3cr3t\x02";
    char *url = malloc(size + 1);
    if (url == NULL) {
        return 0;
    }
    memcpy(url, data, size);
    url[size] = '\0';
    size_t length = strlen(url);
    const char *password = length < size ? url + length + 1 : secret;
    struct db_target *target = NULL;
    struct err err;
    memset(&err, 0, sizeof(err));
    int result = db_target_new(&target, url, NULL, password, &err);
    if (result != 0 && (err.code == ERR_NONE || err.message[0] == '\0' || target != NULL)) {
        abort();
    }
    if (strstr(result == 0 ? db_target_text(target) : err.message, secret) != NULL && strstr(url, secret) == NULL) {
        abort();
    }
    db_target_free(target);
    free(url);
    return 0;
}
