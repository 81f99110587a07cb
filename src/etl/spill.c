/* Filling, sorting and reading the temporary tables.
 * Not here: the keys that fit into memory (keys.c). */
#include "etl/spill.h"

#include <arpa/inet.h>
#include <endian.h>
#include <string.h>

#define COPY_BYTES ((size_t) 256 * 1024) /* sent at once */
#define PAGE_ROWS  "10000"

/* PostgreSQL manual, COPY, "Binary Format": signature, flags, no extension. */
static const char copy_header[] = "PGCOPY\n\377\r\n\0\0\0\0\0\0\0\0\0";
#define COPY_HEADER_BYTES 19

int spill_start(struct spill *spill, struct db *db, struct err *err)
{
    spill->db = db;
    /* A first run's tables are still there when the same connection does another one. */
    return db_exec(db,
                   "DROP TABLE IF EXISTS pg_temp.digitalism_etl_keys; "
                   "CREATE TEMPORARY TABLE digitalism_etl_keys "
                   "(name text COLLATE \"C\", code text COLLATE \"C\", record bigint)",
                   err);
}

void spill_done(struct spill *spill)
{
    buffer_done(&spill->copy);
    db_result_free(spill->losers);
    spill->losers = NULL;
}

static void append_field(struct buffer *out, const void *data, size_t length)
{
    uint32_t length_be = htonl((uint32_t) length);
    buffer_append(out, &length_be, sizeof(length_be));
    buffer_append(out, data, length);
}

static int send_copy(struct spill *spill, struct err *err)
{
    static const uint16_t trailer = 0xFFFF;
    if (spill->copy.length == 0) {
        return 0;
    }
    buffer_append(&spill->copy, &trailer, sizeof(trailer));
    if (buffer_failed(&spill->copy)) {
        return err_set(err, ERR_INTERNAL, "no memory for keys");
    }
    int failure = db_exec_statement(spill->db, "COPY pg_temp.digitalism_etl_keys FROM STDIN (FORMAT binary)",
                                    spill->copy.data, spill->copy.length, NULL, err);
    buffer_clear(&spill->copy);
    return failure < 0 ? err_prefix(err, "cannot keep the keys in a temporary table") : 0;
}

int spill_add(struct spill *spill, const struct row *row, uint64_t record, struct err *err)
{
    struct buffer *copy = &spill->copy;
    const uint16_t field_count = htons(3);
    const uint64_t record_be = htobe64(record);
    if (copy->length == 0) {
        buffer_append(copy, copy_header, COPY_HEADER_BYTES);
    }
    buffer_append(copy, &field_count, sizeof(field_count));
    append_field(copy, row->name, row->name_length);
    append_field(copy, row->postal_code, strlen(row->postal_code));
    append_field(copy, &record_be, sizeof(record_be));
    return copy->length < COPY_BYTES ? 0 : send_copy(spill, err);
}

int spill_sort(struct spill *spill, bool last_counts, struct err *err)
{
    static const char first_sql[] =
        "DECLARE digitalism_etl_losers NO SCROLL CURSOR WITH HOLD FOR SELECT record FROM (SELECT record, "
        "row_number() OVER (PARTITION BY name, code ORDER BY record) AS place FROM pg_temp.digitalism_etl_keys) AS k "
        "WHERE place > 1 ORDER BY record";
    static const char last_sql[] =
        "DECLARE digitalism_etl_losers NO SCROLL CURSOR WITH HOLD FOR SELECT record FROM (SELECT record, "
        "row_number() OVER (PARTITION BY name, code ORDER BY record DESC) AS place FROM pg_temp.digitalism_etl_keys) "
        "AS k "
        "WHERE place > 1 ORDER BY record";
    int failure = send_copy(spill, err);
    failure = failure == 0 ? db_exec(spill->db, last_counts ? last_sql : first_sql, err) : failure;
    /* The cursor holds its rows by itself. */
    failure = failure == 0 ? db_exec(spill->db, "DROP TABLE pg_temp.digitalism_etl_keys", err) : failure;
    buffer_done(&spill->copy);
    return failure < 0 ? err_prefix(err, "cannot sort the keys in a temporary table") : 0;
}

static int fetch(struct spill *spill, struct err *err)
{
    db_result_free(spill->losers);
    spill->losers = NULL;
    spill->loser_at = 0;
    int failure = db_query(spill->db, &spill->losers, "FETCH " PAGE_ROWS " FROM digitalism_etl_losers", NULL, 0, err);
    spill->is_at_end = failure == 0 && db_result_rows(spill->losers) == 0;
    return failure;
}

int spill_loses(struct spill *spill, uint64_t record, bool *loses, struct err *err)
{
    *loses = false;
    for (;;) {
        if (spill->is_at_end) {
            return 0;
        }
        if (spill->losers == NULL || spill->loser_at == db_result_rows(spill->losers)) {
            int failure = fetch(spill, err);
            if (failure != 0) {
                return failure;
            }
            continue;
        }
        uint64_t loser = (uint64_t) db_result_integer(spill->losers, spill->loser_at, 0);
        if (loser >= record) {
            *loses = loser == record;
            return 0;
        }
        spill->loser_at += 1;
    }
}
