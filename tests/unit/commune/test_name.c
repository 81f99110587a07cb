/* The normal form of names, case by case.
 * Not here: codes and coordinates. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "commune/name.h"

#define NBSP          "\xC2\xA0"
#define TEXT(literal) literal, sizeof(literal) - 1

static const struct {
    const char *text;
    size_t length;
    enum commune_fault fault;
    const char *wanted;
} cases[] = {
    {TEXT("Paris"), COMMUNE_OK, "PARIS"},
    {TEXT("Saint-Denis-d'Oléron"), COMMUNE_OK, "SAINT-DENIS-D'OLÉRON"},
    {TEXT("Haÿ-les-Roses"), COMMUNE_OK, "HAŸ-LES-ROSES"},
    {TEXT("Cœuvres"), COMMUNE_OK, "CŒUVRES"},
    {TEXT("Wœrth"), COMMUNE_OK, "WŒRTH"},
    {TEXT("Straße"), COMMUNE_OK, "STRASSE"},
    {TEXT("ıi"), COMMUNE_OK, "II"},
    {TEXT("E\xCC\x81"
          "vry"),
     COMMUNE_OK, "ÉVRY"}, /* NFD, upper case */
    {TEXT("se\xCC\x81"
          "es"),
     COMMUNE_OK, "SÉES"},                         /* NFD, lower case */
    {TEXT("c\xCC\xA7\xCC\x81"), COMMUNE_OK, "Ḉ"}, /* two marks on one letter */
    {TEXT("\xEF\xAC\x81n"), COMMUNE_OK, "FIN"},   /* the ligature fi */
    {TEXT("  Lyon\t\r\n"), COMMUNE_OK, "LYON"},
    {TEXT(NBSP "Nîmes" NBSP), COMMUNE_OK, "NÎMES"},
    {TEXT(NBSP " \t" NBSP "Lille \xE3\x80\x80"), COMMUNE_OK, "LILLE"},
    {TEXT("\xE2\x80\xAF"
          "Aÿ\xE2\x80\xA8"),
     COMMUNE_OK, "AŸ"},
    {TEXT("Le  Mans"), COMMUNE_OK, "LE  MANS"}, /* white space inside is the name's own */
    {TEXT("Le" NBSP "Mans"), COMMUNE_OK, "LE" NBSP "MANS"},
    {TEXT("Y"), COMMUNE_OK, "Y"},
    {TEXT("𐐨"), COMMUNE_OK, "𐐀"},
    {TEXT(""), COMMUNE_NAME_EMPTY, NULL},
    {TEXT(" \t "), COMMUNE_NAME_EMPTY, NULL},
    {TEXT(NBSP NBSP), COMMUNE_NAME_EMPTY, NULL},
    {TEXT("a\0b"), COMMUNE_NAME_ENCODING, NULL},
    {TEXT("\0"), COMMUNE_NAME_ENCODING, NULL},
    {TEXT("é\0b"), COMMUNE_NAME_ENCODING, NULL},
    {TEXT("\xE9"
          "vry"),
     COMMUNE_NAME_ENCODING, NULL},                       /* Latin-1 */
    {TEXT("\xC3"), COMMUNE_NAME_ENCODING, NULL},         /* cut */
    {TEXT("\xC0\xAF"), COMMUNE_NAME_ENCODING, NULL},     /* overlong */
    {TEXT("\xED\xA0\x80"), COMMUNE_NAME_ENCODING, NULL}, /* a surrogate */
};

/* Goal: every rule of the normal form, and that a fault appends nothing. */
static void test_table(void **state)
{
    (void) state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        BUFFER_AUTO out = BUFFER_EMPTY;
        buffer_append_text(&out, "before|");
        enum commune_fault fault = commune_name(&out, cases[i].text, cases[i].length);
        if (fault != cases[i].fault) {
            fail_msg("case %zu: %s", i, commune_fault_code(fault));
        }
        BUFFER_AUTO wanted = BUFFER_EMPTY;
        buffer_append_format(&wanted, "before|%s", cases[i].wanted == NULL ? "" : cases[i].wanted);
        assert_string_equal(buffer_text(&out), buffer_text(&wanted));
    }
}

/* Goal: 255 characters pass and 256 do not, counted as characters of the result, not as bytes of the input. */
static void test_length(void **state)
{
    (void) state;
    static const struct {
        const char *character;
        size_t count;
        enum commune_fault fault;
    } lengths[] = {
        {"a", 255, COMMUNE_OK},
        {"a", 256, COMMUNE_NAME_TOO_LONG},
        {"é", 255, COMMUNE_OK},
        {"é", 256, COMMUNE_NAME_TOO_LONG},
        {"e\xCC\x81", 255, COMMUNE_OK},
        {"ß", 127, COMMUNE_OK},
        {"ß", 128, COMMUNE_NAME_TOO_LONG},
    };
    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        BUFFER_AUTO text = BUFFER_EMPTY;
        for (size_t n = 0; n < lengths[i].count; n++) {
            buffer_append_text(&text, lengths[i].character);
        }
        buffer_append_text(&text, "   "); /* white space does not count */
        BUFFER_AUTO out = BUFFER_EMPTY;
        assert_int_equal(commune_name(&out, text.data, text.length), lengths[i].fault);
        assert_int_equal(out.length > 0, lengths[i].fault == COMMUNE_OK);
    }
}

/* Writes a character as UTF-8. */
static size_t encode(char out[static 4], uint32_t character)
{
    if (character < 0x80) {
        out[0] = (char) character;
        return 1;
    }
    size_t length = character < 0x800 ? 2 : character < 0x10000 ? 3 : 4;
    for (size_t i = length - 1; i > 0; i--) {
        out[i] = (char) (0x80 | (character & 0x3F));
        character >>= 6;
    }
    out[0] = (char) ((0xF00U >> length) | character);
    return length;
}

/* Goal: the way that is taken gives what libunistring gives, for every character, alone and between others. */
static void test_every_character(void **state)
{
    (void) state;
    static const char *const around[][2] = {{"", ""}, {"x", "x"}, {"é", "œ"}, {"Ÿ", "\xCC\x88"}};
    BUFFER_AUTO text = BUFFER_EMPTY;
    BUFFER_AUTO taken = BUFFER_EMPTY;
    BUFFER_AUTO wanted = BUFFER_EMPTY;
    for (uint32_t character = 0; character <= 0x10FFFF; character++) {
        char bytes[4];
        size_t length = encode(bytes, character);
        for (size_t i = 0; i < (character < 0x3000 ? 4U : 1U); i++) {
            buffer_clear(&text);
            buffer_clear(&taken);
            buffer_clear(&wanted);
            buffer_append_text(&text, around[i][0]);
            buffer_append(&text, bytes, length);
            buffer_append_text(&text, around[i][1]);
            enum commune_fault fault = commune_name_unicode(&wanted, text.data, text.length);
            assert_int_equal(commune_name(&taken, text.data, text.length), fault);
            if (strcmp(buffer_text(&taken), buffer_text(&wanted)) != 0) {
                fail_msg("U+%04X: %s", character, taken.data);
            }
        }
    }
}

/* Goal: the short way for ASCII gives what the long way gives. */
static void test_short_way(void **state)
{
    (void) state;
    for (int byte = 1; byte < 0x80; byte++) {
        const char ascii[] = {'x', (char) byte, 'x', '\0'};
        BUFFER_AUTO shorter = BUFFER_EMPTY;
        BUFFER_AUTO longer = BUFFER_EMPTY;
        BUFFER_AUTO text = BUFFER_EMPTY;
        buffer_append_format(&text, "é%s", ascii);
        assert_int_equal(commune_name(&shorter, ascii, strlen(ascii)), COMMUNE_OK);
        assert_int_equal(commune_name(&longer, text.data, text.length), COMMUNE_OK);
        assert_string_equal(shorter.data, longer.data + strlen("É"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table),
        cmocka_unit_test(test_length),
        cmocka_unit_test(test_short_way),
        cmocka_unit_test(test_every_character),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
