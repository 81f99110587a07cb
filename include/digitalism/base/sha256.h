/* SHA-256 (FIPS 180-4) of bytes that come in pieces, as lower-case hexadecimal text. The only user of libcrypto.
 * A failure of the library is remembered, and told by sha256_text() at the end. Not here: what is summed, and why. */
#ifndef DIGITALISM_BASE_SHA256_H
#define DIGITALISM_BASE_SHA256_H

#include <stdbool.h>
#include <stddef.h>

#define SHA256_TEXT_SIZE 65 /* 64 digits and the NUL */

struct sha256;

struct sha256 *sha256_new(void); /* NULL when memory is short */
void sha256_free(struct sha256 *sha256);
void sha256_auto_free(struct sha256 **sha256);
#define SHA256_AUTO __attribute__((cleanup(sha256_auto_free))) struct sha256 *

void sha256_add(struct sha256 *sha256, const void *data, size_t length);

/* Ends the sum: nothing may be added afterwards. False when the library failed; `text` is untouched then. */
bool sha256_text(struct sha256 *sha256, char text[static SHA256_TEXT_SIZE]);

#endif
