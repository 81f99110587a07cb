/* First or last, from memory or from PostgreSQL.
 * Not here: reading the rows (examine.c, etl.c). */
#include "etl/choice.h"

#include <assert.h>

void choice_done(struct choice *choice)
{
    keys_done(&choice->keys);
    spill_done(&choice->spill);
}

int choice_foresee(struct choice *choice, const struct row *row, uint64_t record, bool *fits, struct err *err)
{
    if (choice->is_spilled) {
        *fits = true;
        return spill_add(&choice->spill, row, record, err);
    }
    uint32_t *last;
    *fits = record <= UINT32_MAX && keys_record(&choice->keys, &last, row->name, row->name_length, row->postal_code);
    if (*fits) {
        *last = (uint32_t) record;
    }
    return 0;
}

int choice_spill(struct choice *choice, struct db *db, struct err *err)
{
    keys_done(&choice->keys);
    choice->is_spilled = true;
    return spill_start(&choice->spill, db, err);
}

int choice_sort(struct choice *choice, struct err *err)
{
    choice->is_sorted = true;
    return choice->is_spilled ? spill_sort(&choice->spill, choice->mode == ETL_MODE_REPLACE, err) : 0;
}

int choice_counts(struct choice *choice, const struct row *row, uint64_t record, bool *counts, struct err *err)
{
    if (choice->is_spilled) {
        bool loses = false;
        int failure = spill_loses(&choice->spill, record, &loses, err);
        *counts = !loses;
        return failure;
    }
    uint32_t *counting;
    if (record > UINT32_MAX || !keys_record(&choice->keys, &counting, row->name, row->name_length, row->postal_code)) {
        return err_set(err, ERR_INTERNAL, "no memory for the keys");
    }
    /* In replace every key is there, with its last record. */
    *counting = *counting == 0 ? (uint32_t) record : *counting;
    *counts = *counting == record;
    return 0;
}
