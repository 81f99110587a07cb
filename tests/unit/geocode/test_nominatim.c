/* Goal: each kind of answer gets its verdict, and a refusal says what stood there.
 * Not here: how answers come (test_geocode.py). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <string.h>

#include <cmocka.h>

#include "geocode/nominatim.h"

static enum nominatim_verdict read_text(const char *text, struct nominatim_place *place, struct err *why)
{
    return nominatim_read(place, text, strlen(text), why);
}

static void test_the_question(void **state)
{
    (void) state;
    BUFFER_AUTO url = BUFFER_EMPTY;
    nominatim_url(&url, "http://u:p@h/n/", "SAINT-ÉTIENNE", "42000");
    assert_string_equal(buffer_text(&url), "http://u:p@h/n/search?city=SAINT-%C3%89TIENNE&postalcode=42000&country=fr"
                                           "&format=json&limit=1&addressdetails=1");
}

static void test_what_is_found(void **state)
{
    struct err why;
    struct nominatim_place place = {.display_name = BUFFER_EMPTY};
    (void) state;
    assert_int_equal(read_text("[{\"lat\":\" 48.85 \",\"lon\":-2,\"display_name\":\"a\\n\\\"b\",\"address\":"
                               "{\"country_code\":\"FR\"}},7]",
                               &place, &why),
                     NOMINATIM_FOUND);
    assert_true(place.latitude == 48.85 && place.longitude == -2.0);
    assert_string_equal(buffer_text(&place.display_name), "\"a\\n\\\"b\"");
    assert_int_equal(read_text("[{\"lat\":90,\"lon\":\"180\"}]", &place, &why), NOMINATIM_FOUND);
    assert_string_equal(buffer_text(&place.display_name), "\"\"");
    buffer_done(&place.display_name);
}

/* A name of any length is cut between characters. */
static void test_a_long_name(void **state)
{
    struct err why;
    struct nominatim_place place = {.display_name = BUFFER_EMPTY};
    BUFFER_AUTO text = BUFFER_EMPTY;
    (void) state;
    buffer_append_text(&text, "[{\"lat\":1,\"lon\":2,\"display_name\":\"x");
    for (int i = 0; i < 1000; i++) {
        buffer_append_text(&text, "é");
    }
    buffer_append_text(&text, "\"}]");
    assert_int_equal(read_text(buffer_text(&text), &place, &why), NOMINATIM_FOUND);
    assert_int_equal(place.display_name.length, 1023 + 2);
    buffer_done(&place.display_name);
}

static void test_other_verdicts(void **state)
{
    static const struct {
        const char *text;
        enum nominatim_verdict verdict;
        const char *message;
    } cases[] = {
        {"[]", NOMINATIM_UNKNOWN, NULL},
        {" [ ] ", NOMINATIM_UNKNOWN, NULL},
        {"[{}]", NOMINATIM_REFUSED, "no such coordinates: latitude none, longitude none"},
        {"[{\"lat\":\"\",\"lon\":1}]", NOMINATIM_REFUSED, "no such coordinates: latitude \"\", longitude 1"},
        {"[{\"lat\":\"-90.001\",\"lon\":1}]", NOMINATIM_REFUSED,
         "no such coordinates: latitude \"-90.001\", longitude 1"},
        {"[{\"lat\":1,\"lon\":180.001}]", NOMINATIM_REFUSED, "no such coordinates: latitude 1, longitude 180.001"},
        {"[{\"lat\":true,\"lon\":\"0x1\"}]", NOMINATIM_REFUSED,
         "no such coordinates: latitude none, longitude \"0x1\""},
        {"[{\"lat\":1,\"lon\":2,\"address\":{\"country_code\":\"be\"}}]", NOMINATIM_REFUSED,
         "a place in another country: \"be\""},
        {"{}", NOMINATIM_UNREADABLE, "this is no list of places"},
        {"[1]", NOMINATIM_UNREADABLE, "this is no list of places"},
        {"null", NOMINATIM_UNREADABLE, "this is no list of places"},
        {"[{\"lat\":1", NOMINATIM_UNREADABLE, "this is no JSON from byte 9 on"},
        {"", NOMINATIM_UNREADABLE, "this is no JSON from byte 1 on"},
    };
    (void) state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct err why = {.code = ERR_NONE};
        struct nominatim_place place = {.latitude = 7, .display_name = BUFFER_EMPTY};
        assert_int_equal(read_text(cases[i].text, &place, &why), cases[i].verdict);
        if (cases[i].message != NULL) {
            assert_string_equal(why.message, cases[i].message);
        }
        assert_true(place.latitude == 7);
        assert_null(place.display_name.data);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_question),
        cmocka_unit_test(test_what_is_found),
        cmocka_unit_test(test_a_long_name),
        cmocka_unit_test(test_other_verdicts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
