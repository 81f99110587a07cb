/* SHA-256 over libcrypto's EVP interface.
 * Not here: what is summed, and why (migrate, etl). */
#include "digitalism/base/sha256.h"

#include <openssl/evp.h>
#include <stdlib.h>

struct sha256 {
    EVP_MD_CTX *context;
    bool failed;
};

struct sha256 *sha256_new(void)
{
    struct sha256 *sha256 = calloc(1, sizeof(*sha256));
    if (sha256 == NULL) {
        return NULL;
    }
    sha256->context = EVP_MD_CTX_new();
    if (sha256->context == NULL) {
        free(sha256);
        return NULL;
    }
    sha256->failed = EVP_DigestInit_ex(sha256->context, EVP_sha256(), NULL) != 1;
    return sha256;
}

void sha256_free(struct sha256 *sha256)
{
    if (sha256 != NULL) {
        EVP_MD_CTX_free(sha256->context);
        free(sha256);
    }
}

void sha256_auto_free(struct sha256 **sha256)
{
    sha256_free(*sha256);
    *sha256 = NULL;
}

void sha256_add(struct sha256 *sha256, const void *data, size_t length)
{
    sha256->failed |= EVP_DigestUpdate(sha256->context, data, length) != 1;
}

bool sha256_text(struct sha256 *sha256, char text[static SHA256_TEXT_SIZE])
{
    static const char digits[] = "0123456789abcdef";
    unsigned char sum[EVP_MAX_MD_SIZE];
    unsigned length = 0;
    if (sha256->failed || EVP_DigestFinal_ex(sha256->context, sum, &length) != 1 ||
        length * 2 + 1 != SHA256_TEXT_SIZE) {
        return false;
    }
    for (size_t i = 0; i < length; i++) {
        text[2 * i] = digits[sum[i] >> 4];
        text[2 * i + 1] = digits[sum[i] & 0xF];
    }
    text[SHA256_TEXT_SIZE - 1] = '\0';
    return true;
}
