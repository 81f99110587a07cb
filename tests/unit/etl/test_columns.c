/* The grammar of ETL_COLUMNS: what is taken, and what each mistake is told as.
 * Not here: headers in files (test_source.c, test_row.c). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "etl/columns.h"

/* Goal: the names that each column is looked for by, in both forms. */
static void test_names(void **state)
{
    (void) state;
    static const struct {
        const char *text;
        enum row_column column;
        const char *name;
        const char *normal;
        bool required;
    } cases[] = {
        {NULL, ROW_COLUMN_NAME, "nom_commune", "NOM_COMMUNE", true},
        {NULL, ROW_COLUMN_COORDINATES, "coordonnees_gps", "COORDONNEES_GPS", false},
        {"name=Ville", ROW_COLUMN_NAME, "Ville", "VILLE", true},
        {"name=Ville", ROW_COLUMN_POSTAL_CODE, "code_postal", "CODE_POSTAL", true},
        {" NAME =\tVille ,latitude=y", ROW_COLUMN_NAME, "Ville", "VILLE", true},
        {"name=Ville,latitude=y", ROW_COLUMN_LATITUDE, "y", "Y", true},
        {"name=a=b", ROW_COLUMN_NAME, "a=b", "A=B", true},
        {"name=Nom de la commune", ROW_COLUMN_NAME, "Nom de la commune", "NOM DE LA COMMUNE", true},
        {"name=\"a, \"\"b\"\"\" , postal_code=c", ROW_COLUMN_NAME, "a, \"b\"", "A, \"B\"", true},
        {"name=\"a, b\", postal_code=c", ROW_COLUMN_POSTAL_CODE, "c", "C", true},
        {"department=De\xCC\x81partement", ROW_COLUMN_DEPARTMENT, "De\xCC\x81partement", "DÉPARTEMENT", true},
        {"longitude=\" x \"", ROW_COLUMN_LONGITUDE, " x ", "X", true},
        {"name=code_postal,postal_code=nom_commune", ROW_COLUMN_NAME, "code_postal", "CODE_POSTAL", true},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct columns columns;
        struct err err = {.code = ERR_NONE};
        if (columns_parse(&columns, cases[i].text, &err) < 0) {
            fail_msg("case %zu: %s", i, err.message);
        }
        const struct column_name *name = &columns.names[cases[i].column];
        assert_string_equal(buffer_text(&name->text), cases[i].name);
        assert_string_equal(buffer_text(&name->normal), cases[i].normal);
        assert_int_equal(columns_require(&columns, cases[i].column), cases[i].required);
        columns_done(&columns);
    }
}

/* Goal: every mistake has its own message. */
static void test_refused(void **state)
{
    (void) state;
    static const struct {
        const char *text;
        const char *message;
    } cases[] = {
        {"", "an entry is empty: one comma stands between two entries"},
        {"name=a,", "an entry is empty: one comma stands between two entries"},
        {",name=a", "an entry is empty: one comma stands between two entries"},
        {"name=a,,latitude=b", "an entry is empty: one comma stands between two entries"},
        {"name", "\"name\" is not of the form COLUMN=HEADER"},
        {"name:a", "\"name:a\" is not of the form COLUMN=HEADER"},
        {"ville=a",
         "\"ville\" is no column, the columns are name, postal_code, department, latitude, longitude, coordinates"},
        {"=a", "\"\" is no column, the columns are name, postal_code, department, latitude, longitude, coordinates"},
        {"name=", "the column name has no header name behind its \"=\""},
        {"name= ,latitude=b", "the column name has no header name behind its \"=\""},
        {"name=\"\"", "the column name has an empty header name"},
        {"name=\" \"", "the column name has an empty header name"},
        {"name=\"a", "the quote behind \"name=\" is never closed"},
        {"name=\"a\"\"", "the quote behind \"name=\" is never closed"},
        {"name=\"a\"b", "text stands behind the closing quote of the column name"},
        {"name=a,NAME=b", "the column name is given twice"},
        {"name=\xFF", "the column name has a header name that is not valid UTF-8"},
        {"name=a,latitude=A ", "the columns name and latitude have the same header name \"A\""},
        {"name=Code_Postal", "the columns name and postal_code have the same header name \"code_postal\""},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct err err = {.code = ERR_NONE};
        assert_int_equal(etl_check_columns(cases[i].text, &err), -ERR_CONFIG);
        if (strcmp(err.message, cases[i].message) != 0) {
            fail_msg("case %zu: %s", i, err.message);
        }
    }
}

/* Goal: a header name has the limit of the form that it is compared in. */
static void test_long(void **state)
{
    (void) state;
    BUFFER_AUTO text = BUFFER_EMPTY;
    struct err err = {.code = ERR_NONE};
    buffer_append_text(&text, "name=");
    for (size_t i = 0; i < 255; i++) {
        buffer_append_text(&text, "é");
    }
    assert_int_equal(etl_check_columns(text.data, &err), 0);
    buffer_append_text(&text, "é");
    assert_int_equal(etl_check_columns(text.data, &err), -ERR_CONFIG);
    assert_string_equal(err.message, "the column name has a header name of more than 255 characters");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_long),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
