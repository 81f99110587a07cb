/* Headers and records, case by case, as rows or as rejects.
 * Not here: the reader (test_csv.c). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "etl/row.h"

static struct departments departments;
static struct columns usual; /* the columns by their usual names */

static int set_up(void **state)
{
    (void) state;
    if (columns_parse(&usual, NULL, NULL) < 0) {
        return -1;
    }
    static const char *const codes[] = {"1", "2A", "2B", "4", "5", "75", "971"};
    for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
        if (departments_append(&departments, codes[i], (int32_t) i + 100, NULL) < 0) {
            return -1;
        }
    }
    return 0;
}

static int tear_down(void **state)
{
    (void) state;
    departments_done(&departments);
    columns_done(&usual);
    return 0;
}

/* Reads the header and the one record behind it, and writes what became of it. */
static void describe(struct buffer *out, const char *text, size_t length)
{
    struct csv csv;
    struct csv_record record;
    struct row_layout layout;
    const char *repeated = NULL;
    assert_int_equal(csv_init(&csv, ','), 0);
    csv_feed(&csv, text, length);
    assert_int_equal(csv_next(&csv, &record), CSV_RECORD);
    assert_true(row_layout_find(&layout, &record, &usual, &repeated) >= ROW_COLUMNS_REQUIRED);
    assert_null(repeated);
    csv_end(&csv);
    assert_int_equal(csv_next(&csv, &record), CSV_RECORD);
    BUFFER_AUTO name = BUFFER_EMPTY;
    struct row row;
    struct row_reject reject;
    enum row_status status = row_parse(&row, &reject, &name, &record, &layout, &departments);
    if (status == ROW_OK) {
        buffer_append(out, row.name, row.name_length);
        buffer_append_format(out, " %s %d", row.postal_code, row.department_id);
        if (row.has_latitude) {
            buffer_append_format(out, " lat %g", row.latitude);
        }
        if (row.has_longitude) {
            buffer_append_format(out, " lon %g", row.longitude);
        }
    } else {
        buffer_append_format(out, "%s: %s: %s: ", reject.column, reject.code, reject.reason);
        buffer_append(out, reject.value.text, reject.value.length);
    }
    csv_done(&csv);
}

#define H  "nom_commune,code_postal\n"
#define HD "nom_commune,code_postal,code_departement\n"
#define HC "nom_commune,code_postal,latitude,longitude\n"
#define HG "nom_commune,code_postal,coordonnees_gps\n"

static const struct {
    const char *text;
    const char *wanted;
} cases[] = {
    {H "Paris,75001", "PARIS 75001 105"},
    {H "Bâgé-le-Châtel,1380", "BÂGÉ-LE-CHÂTEL 01380 100"},
    {H " Paris ,\"75001\"", "PARIS 75001 105"},
    {H "Paris,75001,,", "PARIS 75001 105"}, /* trailing empty columns */
    {"nom_commune,code_postal,\nParis,75001,", "PARIS 75001 105"},
    {H "Ajaccio,20000", "AJACCIO 20000 101"},
    {H "Bastia,20200", "BASTIA 20200 102"},
    {H "Saint-Barthélemy,97133", "SAINT-BARTHÉLEMY 97133 106"},
    {"NOM_Commune , \xC2\xA0"
     "Code_Postal\nParis,75001",
     "PARIS 75001 105"},
    {"x,code_postal,y,nom_commune\n1,75001,2,Paris", "PARIS 75001 105"},
    /* The file's own department wins where it is known. */
    {HD "Claret,5110,4", "CLARET 05110 103"},
    {HD "Claret,5110,04", "CLARET 05110 103"},
    {HD "Claret,5110,", "CLARET 05110 104"},
    {HD "Claret,5110,97", "CLARET 05110 104"},
    {HD "Claret,5110,nowhere", "CLARET 05110 104"},
    {HD "Claret,5110", "CLARET 05110 104"},
    {HD "Sartène,20100,2a", "SARTÈNE 20100 101"},
    {HD "Nowhere,20700,2B", "NOWHERE 20700 102"},
    /* Coordinates: both, one, none. */
    {HC "Paris,75001,48.86,2.34", "PARIS 75001 105 lat 48.86 lon 2.34"},
    {HC "Paris,75001, 48.86 ,\" 2.34 \"", "PARIS 75001 105 lat 48.86 lon 2.34"},
    {HC "Paris,75001,48.86,", "PARIS 75001 105 lat 48.86"},
    {HC "Paris,75001,48.86", "PARIS 75001 105 lat 48.86"},
    {HC "Paris,75001,,2.34", "PARIS 75001 105 lon 2.34"},
    {HC "Paris,75001,,", "PARIS 75001 105"},
    {HG "Paris,75001,\"48.86, 2.34\"", "PARIS 75001 105 lat 48.86 lon 2.34"},
    {HG "Paris,75001,\" 48.86,2.34\"", "PARIS 75001 105 lat 48.86 lon 2.34"},
    {HG "Paris,75001,\",2.34\"", "PARIS 75001 105 lon 2.34"},
    {HG "Paris,75001,", "PARIS 75001 105"},
    {"nom_commune,code_postal,coordonnees_gps,latitude,longitude\nParis,75001,\"1,2\",3,4",
     "PARIS 75001 105 lat 3 lon 4"},
    {"nom_commune,code_postal,coordonnees_gps,latitude,longitude\nParis,75001,\"1,2\",,",
     "PARIS 75001 105 lat 1 lon 2"},
    /* Refused. */
    {H ",75001", "nom_commune: name_empty: name is empty: "},
    {H "\xC2\xA0,75001", "nom_commune: name_empty: name is empty: \xC2\xA0"},
    {H "Paris", "code_postal: postal_code_empty: postal code is empty: "},
    {H "Paris,", "code_postal: postal_code_empty: postal code is empty: "},
    {H "Paris,75O01", "code_postal: postal_code_invalid: postal code is not 1 to 5 digits: 75O01"},
    {H "Papeete,98714", "code_postal: department_unknown: no known department has this postal code: 98714"},
    {H "Paris,69001", "code_postal: department_unknown: no known department has this postal code: 69001"},
    {H "Nowhere,20700", "code_postal: department_unknown: no known department has this postal code: 20700"},
    {HC "Paris,75001,91,2", "latitude: latitude_invalid: latitude is not a number from -90 to 90: 91"},
    {HC "Paris,75001,north,2", "latitude: latitude_invalid: latitude is not a number from -90 to 90: north"},
    {HC "Paris,75001,48,-180.5", "longitude: longitude_invalid: longitude is not a number from -180 to 180: -180.5"},
    {HG "Paris,75001,48.86 2.34", "coordonnees_gps: coordinates_invalid: coordinates are not two numbers with a comma "
                                  "between them: 48.86 2.34"},
    {HG "Paris,75001,\"91,2\"", "coordonnees_gps: latitude_invalid: latitude is not a number from -90 to 90: 91"},
    {HG "Paris,75001,\"1,2,3\"",
     "coordonnees_gps: longitude_comma: longitude has a decimal comma where a dot has to be: 2,3"},
    {HG "Paris,75001,\"  \"", "PARIS 75001 105"},
    {HG "Paris,75001,48.86",
     "coordonnees_gps: coordinates_invalid: coordinates are not two numbers with a comma between "
     "them: 48.86"},
    {HC "Paris,75001,\"48,86\",2",
     "latitude: latitude_comma: latitude has a decimal comma where a dot has to be: 48,86"},
    {H "\"Par\"is,75001",
     ": quote_misplaced: text stands behind a closing quote; a quote inside quotes has to be doubled: "},
    {H "\"Par\nis,75001\nLyon,\"69001\"",
     ": quote_misplaced: text stands behind a closing quote; a quote inside quotes has "
     "to be doubled: lines 2 to 4"},
    {H "Paris,75001,more", ": too_many_fields: record has more fields than the header: more"},
    {H "P\xE2ris,75001", "nom_commune: encoding: text is not valid UTF-8: P\xE2ris"},
    {"nom_commune,code_postal,x\nParis,75001,\xFF", ": encoding: text is not valid UTF-8: \xFF"},
};

/* Goal: what each kind of record becomes. */
static void test_table(void **state)
{
    (void) state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        BUFFER_AUTO out = BUFFER_EMPTY;
        describe(&out, cases[i].text, strlen(cases[i].text));
        if (strcmp(out.data, cases[i].wanted) != 0) {
            fail_msg("case %zu: %s", i, out.data);
        }
    }
}

/* Goal: NUL anywhere in a record refuses the record. */
static void test_nul(void **state)
{
    (void) state;
    static const char text[] = H "Pa\0ris,75001";
    BUFFER_AUTO out = BUFFER_EMPTY;
    describe(&out, text, sizeof(text) - 1);
    assert_memory_equal(out.data, "nom_commune: encoding: ", strlen("nom_commune: encoding: "));
}

/* Goal: a record over a limit of the reader is refused with the limit as its reason. */
static void test_limits(void **state)
{
    (void) state;
    const struct row_layout layout = {.index = {0, 1, -1, -1, -1, -1}, .width = 2};
    struct csv_record record = {.line = 7, .fault = CSV_FAULT_TOO_LONG};
    BUFFER_AUTO name = BUFFER_EMPTY;
    struct row row;
    struct row_reject reject;
    assert_int_equal(row_parse(&row, &reject, &name, &record, &layout, &departments), ROW_REJECTED);
    assert_string_equal(reject.code, "record_too_long");
    record.fault = CSV_FAULT_TOO_MANY_FIELDS;
    assert_int_equal(row_parse(&row, &reject, &name, &record, &layout, &departments), ROW_REJECTED);
    assert_string_equal(reject.code, "too_many_fields");
}

static int find(const char *header, struct row_layout *layout, const char **repeated)
{
    struct csv csv;
    struct csv_record record;
    assert_int_equal(csv_init(&csv, ','), 0);
    csv_feed(&csv, header, strlen(header));
    csv_end(&csv);
    assert_int_equal(csv_next(&csv, &record), CSV_RECORD);
    int found = row_layout_find(layout, &record, &usual, repeated);
    csv_done(&csv);
    return found;
}

/* Goal: what a header lacks, and what stands in it twice, is found. */
static void test_headers(void **state)
{
    (void) state;
    struct row_layout layout;
    const char *repeated = NULL;
    assert_int_equal(find("nom_commune,code_postal,latitude", &layout, &repeated), 3);
    assert_true(row_layout_complete(&layout, &usual));
    assert_int_equal(layout.index[ROW_COLUMN_LATITUDE], 2);
    assert_int_equal(layout.index[ROW_COLUMN_LONGITUDE], -1);
    assert_int_equal(find("nom_commune,postal", &layout, &repeated), 1);
    assert_false(row_layout_complete(&layout, &usual));
    assert_int_equal(find("nom_commune_postal,code", &layout, &repeated), 0);
    assert_int_equal(find("nom_commune;code_postal", &layout, &repeated), 0);
    assert_null(repeated);
    assert_int_equal(find("nom_commune,code_postal,Code_Postal", &layout, &repeated), 2);
    assert_string_equal(repeated, "code_postal");
    assert_int_equal(layout.index[ROW_COLUMN_POSTAL_CODE], 1);
}

/* Goal: only known codes are found, and limits of the list hold. */
static void test_departments(void **state)
{
    (void) state;
    assert_int_equal(departments_find(&departments, "2A"), 101);
    assert_int_equal(departments_find(&departments, "97"), -1);
    struct departments none = {.list = NULL, .count = 0};
    assert_int_equal(departments_find(&none, "1"), -1);
    struct err err = {.code = ERR_NONE};
    assert_int_equal(departments_append(&none, "9999", 1, &err), -ERR_ETL);
    assert_string_equal(err.message, "department code \"9999\" is too long");
    departments_done(&none);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table),   cmocka_unit_test(test_nul),         cmocka_unit_test(test_limits),
        cmocka_unit_test(test_headers), cmocka_unit_test(test_departments),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
