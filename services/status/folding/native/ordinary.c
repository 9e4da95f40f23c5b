/* The ordinary course of an application, folded by compiled code: what `services.status.domain` and
 * `services.status.folding.fold` do with events that are as they should be, about ten times as fast.
 *
 * The Python fold is the definition; this is a short cut through it. It takes a record only when everything about it is
 * ordinary: JSON without whitespace, escapes or characters beyond ASCII, times in UTC and in order, no deviation, no
 * correction, none of the rarer facts. At the first record that is not, the application is handed over to Python with
 * all that is known of it, and stays there. So nothing is decided here that Python would decide otherwise: what is
 * refused, and what deviates, only Python says. Rows and states are the same bytes; tests hold them together.
 *
 * Plain C11 without Python's headers, called through ctypes (`services.status.folding.compiled`). All input is untrusted.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_DEPTH = 32, MAX_ATTRIBUTE = 200, MAX_ATTRIBUTE_BYTES = 4 * MAX_ATTRIBUTE, MAX_NUMBER = 32, MAX_CODE = 64, MAX_NAMED = 12, MAX_REACHED = 12, MAX_EVENTS = 65535 };
enum { ROW = 0, REPEATED = 1, FOR_PYTHON = 2, NO_MEMORY = 3 }; /* outcomes of a record */
#define REAL_TIMESTAMPS_MS 1000000000
#define PROMPT_US 3600000000LL
#define EPOCH_2000_US 946684800000000LL
#define MAX_INTEGER 1000000000000000LL

/* ---- bytes that grow -------------------------------------------------------------------------------------------- */

typedef struct {
    uint8_t *at;
    size_t length, room;
} Bytes;

static bool make_room(Bytes *bytes, size_t more) {
    if (bytes->room - bytes->length >= more) return true;
    size_t room = bytes->room + bytes->room / 4 + 64; /* there are many of them: little is left over */
    if (room - bytes->length < more) room = bytes->length + more;
    uint8_t *at = realloc(bytes->at, room);
    if (at == NULL) return false;
    bytes->at = at;
    bytes->room = room;
    return true;
}

static void put(Bytes *bytes, const void *data, size_t length) { /* room has been made */
    if (length) memcpy(bytes->at + bytes->length, data, length);
    bytes->length += length;
}

static void put_big_endian(Bytes *bytes, uint64_t value, int size) {
    for (int shift = (size - 1) * 8; shift >= 0; shift -= 8) bytes->at[bytes->length++] = (uint8_t)(value >> shift);
}

/* ---- text: a piece of a record, or of what is kept -------------------------------------------------------------- */

typedef struct {
    const char *at;
    size_t length;
} Text;

#define TEXT(literal) ((Text){literal, sizeof(literal) - 1})

static bool same(Text one, Text other) {
    return one.length == other.length && memcmp(one.at, other.at, one.length) == 0;
}

/* ---- SipHash-1-3, keyed anew for each fold: nobody can make two events collide ---------------------------------- */

static uint64_t rotated(uint64_t value, int by) { return value << by | value >> (64 - by); }

typedef struct {
    uint64_t a, b, c, d;
} Sip;

static void sip_round(Sip *s) {
    s->a += s->b, s->b = rotated(s->b, 13) ^ s->a, s->a = rotated(s->a, 32);
    s->c += s->d, s->d = rotated(s->d, 16) ^ s->c;
    s->a += s->d, s->d = rotated(s->d, 21) ^ s->a;
    s->c += s->b, s->b = rotated(s->b, 17) ^ s->c, s->c = rotated(s->c, 32);
}

static uint64_t hash_bytes(const uint64_t key[2], const char *at, size_t length) {
    Sip s = {key[0] ^ 0x736f6d6570736575, key[1] ^ 0x646f72616e646f6d, key[0] ^ 0x6c7967656e657261,
             key[1] ^ 0x7465646279746573};
    uint64_t word = 0, last = (uint64_t)length << 56;
    size_t whole = length & ~(size_t)7;
    for (size_t place = 0; place < whole; place += 8) {
        memcpy(&word, at + place, 8);
        s.d ^= word;
        sip_round(&s);
        s.a ^= word;
    }
    for (size_t place = whole; place < length; place++) last |= (uint64_t)(uint8_t)at[place] << (place - whole) * 8;
    s.d ^= last;
    sip_round(&s);
    s.a ^= last;
    s.c ^= 0xff;
    for (int n = 0; n < 3; n++) sip_round(&s);
    return s.a ^ s.b ^ s.c ^ s.d;
}

/* ---- words: codes and numbers that are kept, each of them once in a fold ----------------------------------------- */

typedef struct {
    uint8_t length;
    char at[];
} Word;

typedef struct { /* a set of them: open addressing, `slots` is a power of two or none */
    size_t slots, count;
    const Word **table;
} Words;

static Text text_of(const Word *word) { return word == NULL ? TEXT("") : (Text){word->at, word->length}; }

static size_t slot_of_word(const Words *words, const uint64_t key[2], Text text) {
    size_t slot = hash_bytes(key, text.at, text.length) & (words->slots - 1);
    while (words->table[slot] != NULL && !same(text_of(words->table[slot]), text)) slot = (slot + 1) & (words->slots - 1);
    return slot;
}

static bool grow_words(Words *words, const uint64_t key[2]) {
    Words more = {words->slots ? words->slots * 2 : 1024, words->count, NULL};
    if ((more.table = calloc(more.slots, sizeof *more.table)) == NULL) return false;
    for (size_t n = 0; n < words->slots; n++)
        if (words->table[n] != NULL) more.table[slot_of_word(&more, key, text_of(words->table[n]))] = words->table[n];
    free(words->table);
    *words = more;
    return true;
}

static const Word *word_of(Words *words, const uint64_t key[2], Text text) { /* of 255 bytes at most; NULL without memory */
    if (words->count * 2 >= words->slots && !grow_words(words, key)) return NULL;
    const Word **slot = &words->table[slot_of_word(words, key, text)];
    if (*slot != NULL) return *slot;
    Word *word = malloc(sizeof *word + text.length);
    if (word == NULL) return NULL;
    word->length = (uint8_t)text.length;
    if (text.length) memcpy(word->at, text.at, text.length);
    words->count++;
    return *slot = word;
}

static void free_words(Words *words) {
    for (size_t n = 0; n < words->slots; n++) free((void *)words->table[n]);
    free(words->table);
}

/* ---- what is known of one application --------------------------------------------------------------------------- */

typedef enum {
    SUBMITTED, DOCUMENTS_REQUESTED, DOCUMENT_SUPPLIED, DOCUMENTS_VERIFIED, FEE_ASSESSED, FEE_PAID, INVITED, EXAMINED,
    DECIDED, ISSUED, COLLECTED, WITHDRAWN, /* those after it change nothing but the timeline */
    DEADLINE_PASSED, NOTIFICATION_SENT, NOTIFICATION_FAILED, PERSONAL_DATA_ERASED, FACTS
} Fact;

static const char *const NAMES[FACTS] = {
    "submitted", "documents_requested", "document_supplied", "documents_verified", "fee_assessed", "fee_paid", "invited",
    "examined", "decided", "issued", "collected", "withdrawn", "deadline_passed", "notification_sent",
    "notification_failed", "personal_data_erased",
};
static const bool MAY_REPEAT[FACTS] = {
    [DOCUMENTS_REQUESTED] = true, [DOCUMENT_SUPPLIED] = true, [FEE_ASSESSED] = true, [FEE_PAID] = true,
    [INVITED] = true, [EXAMINED] = true,
};
static const bool OF_OTHERS[FACTS] = { /* no act of the body that has the case */
    [SUBMITTED] = true, [DOCUMENT_SUPPLIED] = true, [FEE_PAID] = true, [WITHDRAWN] = true,
};

typedef struct { /* a dict from codes to times, in the order of insertion */
    int count;
    struct {
        const Word *code;
        int64_t at, also;
    } *entries;
} Named;

typedef struct { /* a fee, or a payment: two of its fields are times; without a code there is none */
    const Word *code, *currency;
    int64_t amount, one, other;
} Money;

typedef struct {
    uint64_t reaches, needs;
} Step;

typedef struct {
    const Word *service;
    bool usable;
    Step steps[FACTS];
} Procedure;

typedef struct {
    const Word *number, *service, *office, *outcome, *product, *desk;
    const Procedure *procedure;
    int64_t n, last_at, last_recorded, first_recorded, last_offset;
    uint64_t stages;
    int reached_count;
    uint8_t reached[MAX_REACHED]; /* facts */
    int64_t reached_at[MAX_REACHED];
    Named outstanding, supplied, invited, examined;
    Money fee, paid;
    int64_t ended_at, decided_at, collect_by, acted_at;
    bool called_in, has_ended, has_collect_by, has_acted;
    bool handed_over;
    Bytes journal; /* each moment, as `note_moment` writes it */
    Bytes seen;    /* eight bytes for each event */
} Application;

static int place_of(const Named *named, Text code) {
    for (int place = 0; place < named->count; place++)
        if (same(text_of(named->entries[place].code), code)) return place;
    return -1;
}

static bool make_place(Named *named) { /* room for two, four, eight: it is full when a power of two is reached */
    size_t count = (size_t)named->count;
    if (count == 1 || (count & (count - 1)) != 0) return true;
    void *entries = realloc(named->entries, (count ? count * 2 : 2) * sizeof *named->entries);
    if (entries == NULL) return false;
    named->entries = entries;
    return true;
}

static bool has_room(const Named *named, const Text *codes, int count) {
    for (int n = 0; n < count; n++)
        if (codes[n].length > MAX_CODE) return false;
    return named->count + count <= MAX_NAMED;
}

static void forget(Named *named, int place) {
    named->count--;
    memmove(&named->entries[place], &named->entries[place + 1],
            (size_t)(named->count - place) * sizeof *named->entries);
}

static bool has_reached(const Application *application, Fact fact) {
    for (int n = 0; n < application->reached_count; n++)
        if (application->reached[n] == fact) return true;
    return false;
}

/* ---- the fold of one partition ---------------------------------------------------------------------------------- */

typedef struct {
    int partition, partitions;
    uint64_t key[2];
    Words words;
    int procedure_count;
    Procedure *procedures;
    size_t slots, count;
    Application **table;    /* by number: open addressing, `slots` is a power of two */
    Application **in_order; /* as they came; half as many as slots at most */
    Bytes rows;
    Bytes state; /* the last that was asked for */
} Fold;

static bool keep(Fold *fold, const Word **code, Text text) {
    return (*code = word_of(&fold->words, fold->key, text)) != NULL;
}

static bool note(Fold *fold, Named *named, Text code, int64_t at, int64_t also) {
    int place = place_of(named, code);
    if (place < 0) {
        if (!make_place(named) || !keep(fold, &named->entries[named->count].code, code)) return false;
        place = named->count++;
    }
    named->entries[place].at = at;
    named->entries[place].also = also;
    return true;
}

static size_t slot_of(const Fold *fold, Text number) {
    size_t slot = hash_bytes(fold->key, number.at, number.length) & (fold->slots - 1);
    while (fold->table[slot] != NULL && !same(text_of(fold->table[slot]->number), number))
        slot = (slot + 1) & (fold->slots - 1);
    return slot;
}

static bool grow(Fold *fold) {
    size_t slots = fold->slots * 2;
    Application **table = calloc(slots, sizeof *table);
    Application **in_order = realloc(fold->in_order, slots / 2 * sizeof *in_order);
    if (in_order != NULL) fold->in_order = in_order;
    if (table == NULL || in_order == NULL) {
        free(table);
        return false;
    }
    free(fold->table);
    fold->table = table;
    fold->slots = slots;
    for (size_t n = 0; n < fold->count; n++) table[slot_of(fold, text_of(in_order[n]->number))] = in_order[n];
    return true;
}

static Application *open_application(Fold *fold, Text number) {
    if (fold->count * 2 >= fold->slots && !grow(fold)) return NULL;
    Application *application = calloc(1, sizeof *application);
    if (application == NULL || !keep(fold, &application->number, number)) {
        free(application);
        return NULL;
    }
    fold->table[slot_of(fold, number)] = fold->in_order[fold->count++] = application;
    return application;
}

static void close_application(Application *application) {
    free(application->outstanding.entries);
    free(application->supplied.entries);
    free(application->invited.entries);
    free(application->examined.entries);
    free(application->journal.at);
    free(application->seen.at);
}

static bool belongs(const Fold *fold, Text number) { /* murmur2, as Kafka's partitioner */
    uint32_t hash = 0x9747B28C ^ (uint32_t)number.length;
    size_t place = 0;
    for (; place + 4 <= number.length; place += 4) {
        uint32_t k;
        memcpy(&k, number.at + place, 4);
        k *= 0x5BD1E995;
        k = (k ^ k >> 24) * 0x5BD1E995;
        hash = hash * 0x5BD1E995 ^ k;
    }
    if (place < number.length) {
        uint32_t rest = 0;
        for (size_t n = 0; place + n < number.length; n++) rest |= (uint32_t)(uint8_t)number.at[place + n] << n * 8;
        hash = (hash ^ rest) * 0x5BD1E995;
    }
    hash = (hash ^ hash >> 13) * 0x5BD1E995;
    hash ^= hash >> 15;
    return (int)((hash & 0x7FFFFFFF) % (uint32_t)fold->partitions) == fold->partition;
}

static bool is_canonical(Text number) { /* LBG-XXXX-XXXX-XXXX-XXXX-C, C by Crockford's modulo 37 */
    static const char check[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ*~$=U";
    if (number.length != 25) return false;
    unsigned remainder = 0;
    for (int place = 0; place < 24; place++) {
        char sign = number.at[place];
        if (place < 3) {
            if (sign < 'A' || sign > 'Z') return false;
        } else if (place % 5 == 3) {
            if (sign != '-') return false;
        } else {
            const char *found = sign ? memchr(check, sign, 32) : NULL;
            if (found == NULL) return false;
            remainder = (remainder * 32 + (unsigned)(found - check)) % 37;
        }
    }
    return number.at[24] == check[remainder];
}

/* ---- reading: a strict part of JSON; whatever does not fit is left to Python ------------------------------------ */

typedef struct {
    const char *at, *end;
} Reader;

static bool take_sign(Reader *reader, char sign) {
    if (reader->at == reader->end || *reader->at != sign) return false;
    reader->at++;
    return true;
}

static bool read_text(Reader *reader, Text *text) {
    if (!take_sign(reader, '"')) return false;
    const char *begin = reader->at, *end = memchr(begin, '"', (size_t)(reader->end - begin));
    if (end == NULL) return false;
    unsigned other = 0;
    for (const char *at = begin; at < end; at++) /* without a branch, so that compilers take many at once */
        other |= (unsigned)((unsigned char)(*at - 0x20) >= 0x5f) | (unsigned)(*at == '\\');
    *text = (Text){begin, (size_t)(end - begin)};
    reader->at = end + 1;
    return other == 0;
}

static bool read_integer(Reader *reader, int64_t *value) { /* no sign, no fraction, no exponent */
    const char *begin = reader->at;
    *value = 0;
    for (; reader->at < reader->end && *reader->at >= '0' && *reader->at <= '9'; reader->at++) {
        *value = *value * 10 + (*reader->at - '0');
        if (*value > MAX_INTEGER) return false;
    }
    if (reader->at == begin || (*begin == '0' && reader->at - begin > 1)) return false;
    return reader->at == reader->end || (*reader->at != '.' && *reader->at != 'e' && *reader->at != 'E');
}

static bool read_word(Reader *reader, const char *word, size_t length) {
    if ((size_t)(reader->end - reader->at) < length || memcmp(reader->at, word, length) != 0) return false;
    reader->at += length;
    return true;
}

static bool skip(Reader *reader, int depth) {
    Text text;
    int64_t integer;
    if (reader->at == reader->end || depth > MAX_DEPTH) return false;
    switch (*reader->at) {
    case '"': return read_text(reader, &text);
    case 't': return read_word(reader, "true", 4);
    case 'f': return read_word(reader, "false", 5);
    case 'n': return read_word(reader, "null", 4);
    case '{':
        reader->at++;
        if (take_sign(reader, '}')) return true;
        do {
            if (!read_text(reader, &text) || !take_sign(reader, ':') || !skip(reader, depth + 1)) return false;
        } while (take_sign(reader, ','));
        return take_sign(reader, '}');
    case '[':
        reader->at++;
        if (take_sign(reader, ']')) return true;
        do {
            if (!skip(reader, depth + 1)) return false;
        } while (take_sign(reader, ','));
        return take_sign(reader, ']');
    default: return read_integer(reader, &integer);
    }
}

static bool two_digits(const char *at, int *value) {
    if (at[0] < '0' || at[0] > '9' || at[1] < '0' || at[1] > '9') return false;
    *value = (at[0] - '0') * 10 + at[1] - '0';
    return true;
}

static bool instant(Text text, int64_t *us) { /* 2026-01-05T17:50:00.204890Z, microseconds since 1970 */
    int century, year, month, day, hour, minute, second;
    static const int days_in[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    const char *at = text.at;
    if (text.length < 20 || text.length > 27 || text.length == 21 || at[text.length - 1] != 'Z') return false;
    if (at[4] != '-' || at[7] != '-' || at[10] != 'T' || at[13] != ':' || at[16] != ':') return false;
    if (!two_digits(at, &century) || !two_digits(at + 2, &year) || !two_digits(at + 5, &month)) return false;
    if (!two_digits(at + 8, &day) || !two_digits(at + 11, &hour) || !two_digits(at + 14, &minute)) return false;
    if (!two_digits(at + 17, &second)) return false;
    year += century * 100;
    if (year < 1970 || month < 1 || month > 12 || hour > 23 || minute > 59 || second > 59) return false;
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    if (day < 1 || day > days_in[month - 1] + (month == 2 && leap)) return false;
    int64_t fraction = 0;
    if (text.length > 20) {
        if (at[19] != '.') return false;
        int digits = 0;
        for (const char *digit = at + 20; digit < at + text.length - 1; digit++, digits++) {
            if (*digit < '0' || *digit > '9') return false;
            fraction = fraction * 10 + (*digit - '0');
        }
        for (; digits < 6; digits++) fraction *= 10;
    }
    int64_t y = year - (month <= 2), era_day; /* days since 1970 of the proleptic Gregorian calendar */
    int64_t shifted = (month + 9) % 12;
    era_day = y * 365 + y / 4 - y / 100 + y / 400 + (shifted * 153 + 2) / 5 + day - 1 - 719468;
    *us = ((era_day * 24 + hour) * 60 + minute) * 60 + second;
    *us = *us * 1000000 + fraction;
    return true;
}

typedef struct { /* an event as far as it is needed here */
    Text id, source, subject, data;
    Fact fact;
    int64_t at;
    Text desk;
    int count; /* of codes: what the clocks need to know of the event beside its time */
    Text codes[MAX_NAMED];
    Text service, office, currency;
    int64_t amount, when;
    bool has_when;
} Event;

typedef bool (*Take)(Reader *, Event *, Text name, unsigned *had);

enum { HAS_FIRST = 1, HAS_SECOND = 2, HAS_THIRD = 4, HAS_BY = 8, HAS_OTHER = 16 };

static bool once(unsigned *had, unsigned bit) { /* where a name occurs twice the last counts, says Python */
    bool first = !(*had & bit);
    *had |= bit;
    return first;
}

static bool read_desk(Reader *reader, Event *event) {
    Text name;
    unsigned had = 0;
    if (!take_sign(reader, '{')) return false;
    if (take_sign(reader, '}')) return true;
    do {
        if (!read_text(reader, &name) || !take_sign(reader, ':')) return false;
        if (same(name, TEXT("desk"))) {
            if (!once(&had, HAS_FIRST)) return false;
            if (!read_word(reader, "null", 4) && !read_text(reader, &event->desk)) return false;
        } else if (!skip(reader, 3)) {
            return false;
        }
    } while (take_sign(reader, ','));
    return take_sign(reader, '}');
}

static bool add_code(Event *event, Text code) {
    if (event->count == MAX_NAMED || code.length > MAX_CODE) return false;
    event->codes[event->count++] = code;
    return true;
}

static bool read_requirement(Reader *reader, Event *event) { /* {"requirement":…} and more */
    Text name, code;
    unsigned had = 0;
    if (!take_sign(reader, '{')) return false;
    do {
        if (!read_text(reader, &name) || !take_sign(reader, ':')) return false;
        if (same(name, TEXT("requirement"))) {
            if (!once(&had, HAS_FIRST) || !read_text(reader, &code) || !add_code(event, code)) return false;
        } else if (!skip(reader, 4)) {
            return false;
        }
    } while (take_sign(reader, ','));
    return had == HAS_FIRST && take_sign(reader, '}');
}

static bool read_list(Reader *reader, Event *event, bool (*read)(Reader *, Event *)) {
    if (!take_sign(reader, '[')) return false;
    do {
        if (!read(reader, event)) return false;
    } while (take_sign(reader, ','));
    return take_sign(reader, ']');
}

static bool read_code(Reader *reader, Event *event) {
    Text code;
    return read_text(reader, &code) && add_code(event, code);
}

static bool read_when(Reader *reader, Event *event) {
    Text text;
    event->has_when = true;
    return read_text(reader, &text) && instant(text, &event->when);
}

static bool no_more(Reader *reader, Event *event, Text name, unsigned *had) {
    (void)event, (void)name, (void)had;
    return skip(reader, 2);
}

static bool take_submitted(Reader *reader, Event *event, Text name, unsigned *had) {
    if (same(name, TEXT("service"))) return once(had, HAS_FIRST) && read_text(reader, &event->service);
    if (same(name, TEXT("office"))) return once(had, HAS_SECOND) && read_text(reader, &event->office);
    return skip(reader, 2);
}

static bool take_documents_requested(Reader *reader, Event *event, Text name, unsigned *had) {
    if (same(name, TEXT("documents"))) return once(had, HAS_FIRST) && read_list(reader, event, read_requirement);
    return skip(reader, 2);
}

static bool take_document_supplied(Reader *reader, Event *event, Text name, unsigned *had) {
    if (same(name, TEXT("document"))) return once(had, HAS_FIRST) && read_requirement(reader, event);
    return skip(reader, 2);
}

static bool take_fee(Reader *reader, Event *event, Text name, unsigned *had) {
    if (same(name, TEXT("billing_code"))) return once(had, HAS_FIRST) && read_code(reader, event);
    if (same(name, TEXT("amount"))) return once(had, HAS_SECOND) && read_integer(reader, &event->amount);
    if (same(name, TEXT("currency"))) return once(had, HAS_OTHER) && read_text(reader, &event->currency);
    return false;
}

static bool take_fee_assessed(Reader *reader, Event *event, Text name, unsigned *had) {
    if (same(name, TEXT("expires_at"))) return once(had, HAS_THIRD) && read_when(reader, event);
    if (same(name, TEXT("lines"))) return skip(reader, 2);
    return take_fee(reader, event, name, had);
}

static bool take_fee_paid(Reader *reader, Event *event, Text name, unsigned *had) {
    if (same(name, TEXT("receipt"))) return skip(reader, 2);
    return take_fee(reader, event, name, had);
}

static bool take_invited(Reader *reader, Event *event, Text name, unsigned *had) {
    if (same(name, TEXT("examination"))) return once(had, HAS_FIRST) && read_code(reader, event);
    if (same(name, TEXT("at"))) return once(had, HAS_SECOND) && read_when(reader, event);
    return skip(reader, 2);
}

static bool take_examined(Reader *reader, Event *event, Text name, unsigned *had) {
    if (same(name, TEXT("examinations"))) return once(had, HAS_FIRST) && read_list(reader, event, read_code);
    return skip(reader, 2);
}

static bool take_decided(Reader *reader, Event *event, Text name, unsigned *had) {
    if (same(name, TEXT("outcome")))
        return once(had, HAS_FIRST) && read_code(reader, event)
               && (same(event->codes[0], TEXT("approved")) || same(event->codes[0], TEXT("refused")));
    return !same(name, TEXT("reasons")) && !same(name, TEXT("remedy")) && skip(reader, 2);
}

static bool take_issued(Reader *reader, Event *event, Text name, unsigned *had) {
    if (same(name, TEXT("product"))) return once(had, HAS_FIRST) && read_text(reader, &event->service);
    if (same(name, TEXT("collect_by"))) return once(had, HAS_OTHER) && read_when(reader, event);
    return skip(reader, 2);
}

static const struct {
    Take take;
    unsigned needs;
} DATA[FACTS] = {
    [SUBMITTED] = {take_submitted, HAS_FIRST | HAS_SECOND},
    [DOCUMENTS_REQUESTED] = {take_documents_requested, HAS_FIRST},
    [DOCUMENT_SUPPLIED] = {take_document_supplied, HAS_FIRST},
    [DOCUMENTS_VERIFIED] = {no_more, 0},
    [FEE_ASSESSED] = {take_fee_assessed, HAS_FIRST | HAS_SECOND | HAS_THIRD},
    [FEE_PAID] = {take_fee_paid, HAS_FIRST | HAS_SECOND},
    [INVITED] = {take_invited, HAS_FIRST | HAS_SECOND},
    [EXAMINED] = {take_examined, HAS_FIRST},
    [DECIDED] = {take_decided, HAS_FIRST},
    [ISSUED] = {take_issued, HAS_FIRST},
    [COLLECTED] = {no_more, 0},
    [WITHDRAWN] = {no_more, 0},
    [DEADLINE_PASSED] = {no_more, 0},
    [NOTIFICATION_SENT] = {no_more, 0},
    [NOTIFICATION_FAILED] = {no_more, 0},
    [PERSONAL_DATA_ERASED] = {no_more, 0},
};

static bool read_data(Reader *reader, Event *event) {
    unsigned had = 0;
    Text name;
    event->data.at = reader->at;
    event->currency = TEXT("IDR");
    if (!take_sign(reader, '{')) return false;
    if (!take_sign(reader, '}')) {
        do {
            if (!read_text(reader, &name) || !take_sign(reader, ':')) return false;
            if (same(name, TEXT("corrects"))) return false;
            if (same(name, TEXT("by"))) {
                if (!once(&had, HAS_BY) || !read_desk(reader, event)) return false;
            } else if (!DATA[event->fact].take(reader, event, name, &had)) {
                return false;
            }
        } while (take_sign(reader, ','));
        if (!take_sign(reader, '}')) return false;
    }
    event->data.length = (size_t)(reader->at - event->data.at);
    return (had & DATA[event->fact].needs) == DATA[event->fact].needs;
}

static bool fact_of(Text type, Fact *fact) {
    static const Text before = {"id.jejak.application.", 21}, after = {".v1", 3};
    if (type.length <= before.length + after.length) return false;
    if (memcmp(type.at, before.at, before.length) != 0) return false;
    if (memcmp(type.at + type.length - after.length, after.at, after.length) != 0) return false;
    Text name = {type.at + before.length, type.length - before.length - after.length};
    for (int n = 0; n < FACTS; n++) {
        if (same(name, (Text){NAMES[n], strlen(NAMES[n])})) {
            *fact = (Fact)n;
            return true;
        }
    }
    return false;
}

static bool read_attribute(Reader *reader, Text *text) {
    return text->at == NULL && read_text(reader, text) && text->length >= 1 && text->length <= MAX_ATTRIBUTE;
}

static bool read_event(Reader reader, Event *event) {
    Text name, specversion = {NULL, 0}, type = {NULL, 0}, time = {NULL, 0};
    memset(event, 0, sizeof *event);
    if (!take_sign(&reader, '{')) return false;
    do {
        if (!read_text(&reader, &name) || !take_sign(&reader, ':')) return false;
        bool good;
        if (same(name, TEXT("id"))) good = read_attribute(&reader, &event->id);
        else if (same(name, TEXT("source"))) good = read_attribute(&reader, &event->source);
        else if (same(name, TEXT("subject"))) good = read_attribute(&reader, &event->subject);
        else if (same(name, TEXT("type"))) good = read_attribute(&reader, &type);
        else if (same(name, TEXT("time"))) good = read_attribute(&reader, &time);
        else if (same(name, TEXT("specversion"))) good = read_attribute(&reader, &specversion);
        else if (same(name, TEXT("data"))) /* after its type, as we write it */
            good = event->data.at == NULL && type.at != NULL && fact_of(type, &event->fact) && read_data(&reader, event);
        else good = skip(&reader, 1);
        if (!good) return false;
    } while (take_sign(&reader, ','));
    if (!take_sign(&reader, '}') || reader.at != reader.end) return false;
    if (event->id.at == NULL || event->source.at == NULL || event->subject.at == NULL || event->data.at == NULL)
        return false;
    return specversion.at != NULL && same(specversion, TEXT("1.0")) && time.at != NULL && instant(time, &event->at);
}

/* ---- folding: nothing is changed before it is sure that the event is an ordinary one ----------------------------- */

static bool may_reach(const Application *application, const Event *event) {
    bool before = has_reached(application, event->fact);
    if (before && !MAY_REPEAT[event->fact]) return false;
    if (!before && application->reached_count == MAX_REACHED) return false;
    if (application->has_ended && event->at > application->ended_at) return false;
    if (application->procedure == NULL) return true;
    Step step = application->procedure->steps[event->fact];
    return (step.needs & ~(application->stages | step.reaches)) == 0;
}

static void reach(Application *application, Fact fact, int64_t at) {
    if (!has_reached(application, fact)) {
        application->reached[application->reached_count] = (uint8_t)fact;
        application->reached_at[application->reached_count++] = at;
    }
    if (application->procedure != NULL) application->stages |= application->procedure->steps[fact].reaches;
}

static const Procedure *procedure_of(const Fold *fold, Text service) {
    for (int n = 0; n < fold->procedure_count; n++)
        if (same(text_of(fold->procedures[n].service), service)) return &fold->procedures[n];
    return NULL;
}

static bool is_ordinary(const Fold *fold, const Application *application, const Event *event, int64_t reported) {
    const Application *a = application;
    if (event->desk.length > MAX_CODE) return false;
    if (a->n > 0 && event->at < a->last_at) return false; /* reported late */
    if (event->fact > WITHDRAWN) return true;
    if (!may_reach(a, event)) return false;
    if (event->fact == SUBMITTED) {
        if (event->service.length == 0 || event->service.length > MAX_CODE || event->office.length > MAX_CODE)
            return false;
        const Procedure *procedure = procedure_of(fold, event->service);
        return procedure == NULL || procedure->usable;
    }
    if (a->service == NULL) return false; /* before submission */
    switch (event->fact) {
    case DOCUMENTS_REQUESTED: return has_room(&a->outstanding, event->codes, event->count);
    case DOCUMENT_SUPPLIED:
        return has_room(&a->supplied, event->codes, event->count)
               && (place_of(&a->outstanding, event->codes[0]) >= 0 || place_of(&a->supplied, event->codes[0]) >= 0);
    case FEE_ASSESSED: return a->fee.code == NULL && event->currency.length <= MAX_CODE;
    case FEE_PAID: {
        const Money *fee = &a->fee;
        return fee->code != NULL && a->paid.code == NULL && same(text_of(fee->code), event->codes[0])
               && fee->amount == event->amount && same(text_of(fee->currency), event->currency)
               && event->at <= fee->one && reported - event->at <= PROMPT_US;
    }
    case INVITED: return has_room(&a->invited, event->codes, event->count);
    case EXAMINED: return has_room(&a->examined, event->codes, event->count);
    case ISSUED: return event->service.length <= MAX_CODE;
    default: return true;
    }
}

static bool keep_money(Fold *fold, Money *money, const Event *event, int64_t one, int64_t other) {
    money->amount = event->amount;
    money->one = one;
    money->other = other;
    return keep(fold, &money->code, event->codes[0]) && keep(fold, &money->currency, event->currency);
}

static bool evolve(Fold *fold, Application *a, const Event *event, int64_t reported) {
    int64_t at = event->at;
    Text first = event->codes[0];
    int place;
    switch (event->fact) {
    case SUBMITTED:
        if (!keep(fold, &a->service, event->service) || !keep(fold, &a->office, event->office)) return false;
        break;
    case DOCUMENTS_REQUESTED:
        for (int n = 0; n < event->count; n++)
            if (!note(fold, &a->outstanding, event->codes[n], at, 0)) return false;
        break;
    case DOCUMENT_SUPPLIED:
        if (!note(fold, &a->supplied, first, at, 0)) return false;
        if ((place = place_of(&a->outstanding, first)) >= 0) forget(&a->outstanding, place);
        break;
    case FEE_ASSESSED:
        if (!keep_money(fold, &a->fee, event, event->when, at)) return false;
        break;
    case FEE_PAID:
        if (!keep_money(fold, &a->paid, event, at, reported)) return false;
        break;
    case INVITED:
        if (!note(fold, &a->invited, first, at, event->when)) return false;
        break;
    case EXAMINED:
        for (int n = 0; n < event->count; n++) {
            if (!note(fold, &a->examined, event->codes[n], at, 0)) return false;
            if ((place = place_of(&a->invited, event->codes[n])) >= 0) {
                forget(&a->invited, place);
                a->called_in = true;
            }
        }
        break;
    case DECIDED:
        a->decided_at = at;
        if (!keep(fold, &a->outcome, first)) return false;
        break;
    case ISSUED:
        if (!keep(fold, &a->product, event->service)) return false;
        a->has_collect_by = event->has_when;
        a->collect_by = event->when;
        break;
    default: break;
    }
    reach(a, event->fact, at);
    if (event->fact == COLLECTED || event->fact == WITHDRAWN) a->ended_at = at, a->has_ended = true;
    if (!OF_OTHERS[event->fact] && (!a->has_acted || at > a->acted_at)) {
        a->acted_at = at;
        a->has_acted = true;
        if (event->desk.length > 0 && !keep(fold, &a->desk, event->desk)) return false;
    }
    if (event->fact == SUBMITTED) { /* from now on the procedure is known, and what was reached before counts for it */
        a->procedure = procedure_of(fold, event->service);
        a->stages = 0;
        for (int n = 0; a->procedure != NULL && n < a->reached_count; n++)
            a->stages |= a->procedure->steps[a->reached[n]].reaches;
    }
    return true;
}

/* ---- MessagePack, in the shortest forms, as msgspec writes it ---------------------------------------------------- */

static void pack_integer(Bytes *out, int64_t value) { /* none here is negative */
    if (value < 0x80) put_big_endian(out, (uint64_t)value, 1);
    else if (value <= 0xff) put_big_endian(out, 0xcc00 | (uint64_t)value, 2);
    else if (value <= 0xffff) put_big_endian(out, 0xcd0000 | (uint64_t)value, 3);
    else if (value <= 0xffffffffLL) put_big_endian(out, 0xce00000000 | (uint64_t)value, 5);
    else out->at[out->length++] = 0xcf, put_big_endian(out, (uint64_t)value, 8);
}

static void pack_text(Bytes *out, Text text) {
    if (text.length < 32) put_big_endian(out, 0xa0 | text.length, 1);
    else put_big_endian(out, 0xd900 | text.length, 2); /* none here has more than 255 */
    put(out, text.at, text.length);
}

static void pack_head(Bytes *out, uint8_t fixed, uint8_t longer, size_t count) {
    if (count < 16) out->at[out->length++] = (uint8_t)(fixed | count);
    else out->at[out->length++] = longer, put_big_endian(out, count, 2);
}

static void pack_array(Bytes *out, size_t count) { pack_head(out, 0x90, 0xdc, count); }
static void pack_map(Bytes *out, size_t count) { pack_head(out, 0x80, 0xde, count); }
static void pack_nil(Bytes *out) { out->at[out->length++] = 0xc0; }
static void pack_bool(Bytes *out, bool value) { out->at[out->length++] = value ? 0xc3 : 0xc2; }

static void pack_named(Bytes *out, const Named *named, bool pairs) {
    if (named->count == 0) {
        pack_nil(out);
        return;
    }
    pack_map(out, (size_t)named->count);
    for (int n = 0; n < named->count; n++) {
        pack_text(out, text_of(named->entries[n].code));
        if (pairs) pack_array(out, 2);
        pack_integer(out, named->entries[n].at);
        if (pairs) pack_integer(out, named->entries[n].also);
    }
}

static void pack_money(Bytes *out, const Money *money) {
    if (money->code == NULL) {
        pack_nil(out);
        return;
    }
    pack_array(out, 5);
    pack_text(out, text_of(money->code));
    pack_integer(out, money->amount);
    pack_text(out, text_of(money->currency));
    pack_integer(out, money->one);
    pack_integer(out, money->other);
}

static void pack_optional(Bytes *out, bool there, int64_t value) {
    if (there) pack_integer(out, value);
    else pack_nil(out);
}

static void put_short(Bytes *bytes, Text text) {
    put_big_endian(bytes, text.length, 1);
    put(bytes, text.at, text.length);
}

static Text take_short(const uint8_t **at) {
    Text text = {(const char *)*at + 1, **at};
    *at += 1 + text.length;
    return text;
}

static bool note_moment(Application *a, const Event *event, int64_t reported) { /* short, for all are kept to the end */
    int count = event->fact < DEADLINE_PASSED ? event->count : 0;
    size_t size = 3 + 2 * sizeof reported + event->desk.length;
    for (int n = 0; n < count; n++) size += 1 + event->codes[n].length;
    if (!make_room(&a->journal, size)) return false;
    put_big_endian(&a->journal, (uint64_t)event->fact << 1 | (reported != event->at), 1);
    put(&a->journal, &event->at, sizeof event->at);
    if (reported != event->at) put(&a->journal, &reported, sizeof reported);
    put_short(&a->journal, event->desk);
    put_big_endian(&a->journal, (uint64_t)count, 1);
    for (int n = 0; n < count; n++) put_short(&a->journal, event->codes[n]);
    return true;
}

static bool pack_journal(Bytes *out, const Application *a) { /* an array of `Moment` */
    const uint8_t *from = a->journal.at;
    if (!make_room(out, 8)) return false;
    pack_array(out, (size_t)a->n);
    for (int64_t n = 1; n <= a->n; n++) {
        if (!make_room(out, 64 + MAX_CODE + MAX_NAMED * (MAX_CODE + 2) + 32)) return false;
        const char *name = NAMES[*from >> 1];
        bool differs = *from++ & 1;
        int64_t at, reported;
        memcpy(&at, from, sizeof at);
        from += sizeof at;
        memcpy(&reported, differs ? from : (const uint8_t *)&at, sizeof reported);
        if (differs) from += sizeof reported;
        pack_array(out, 6);
        pack_integer(out, at);
        pack_integer(out, n);
        pack_text(out, (Text){name, strlen(name)});
        pack_integer(out, reported);
        pack_text(out, take_short(&from));
        int count = *from++;
        pack_array(out, (size_t)count);
        while (count--) pack_text(out, take_short(&from));
    }
    return true;
}

static bool pack_state(Bytes *out, const Application *a) { /* the fields of `Progress`, in their order */
    if (!make_room(out, 2048 + 4 * MAX_NAMED * (MAX_CODE + 32))) return false;
    pack_array(out, 40);
    pack_integer(out, a->n);
    pack_text(out, text_of(a->service));
    pack_text(out, text_of(a->office));
    pack_integer(out, a->last_at);
    pack_integer(out, a->last_recorded);
    pack_integer(out, (int64_t)a->stages);
    pack_map(out, (size_t)a->reached_count);
    for (int n = 0; n < a->reached_count; n++) {
        pack_text(out, (Text){NAMES[a->reached[n]], strlen(NAMES[a->reached[n]])});
        pack_integer(out, a->reached_at[n]);
    }
    pack_named(out, &a->outstanding, false);
    pack_named(out, &a->supplied, false);
    pack_money(out, &a->fee);
    pack_nil(out); /* earlier_fees */
    pack_nil(out); /* payments */
    pack_money(out, &a->paid);
    pack_named(out, &a->invited, true);
    pack_named(out, &a->examined, false);
    pack_bool(out, a->called_in);
    pack_optional(out, a->has_ended, a->ended_at);
    pack_integer(out, a->decided_at);
    pack_text(out, text_of(a->outcome));
    pack_array(out, 0); /* reasons */
    pack_nil(out);      /* remedy */
    pack_text(out, text_of(a->product));
    pack_optional(out, a->has_collect_by, a->collect_by);
    pack_nil(out);        /* paused_at */
    pack_bool(out, false); /* paused */
    pack_nil(out);        /* pause */
    pack_nil(out);        /* resumed_at */
    pack_nil(out);        /* transferred_at */
    pack_nil(out);        /* transferred_to */
    pack_optional(out, a->has_acted, a->acted_at);
    pack_text(out, TEXT("")); /* own_stage */
    pack_integer(out, 0);     /* own_stage_at */
    pack_text(out, TEXT("")); /* own_stage_id */
    pack_text(out, TEXT("")); /* own_stage_en */
    pack_nil(out);            /* standing */
    pack_bool(out, false);    /* answered */
    pack_integer(out, a->first_recorded);
    pack_text(out, text_of(a->desk));
    if (!pack_journal(out, a) || !make_room(out, 1)) return false;
    pack_bool(out, false); /* corrected */
    return true;
}

/* ---- rows of the timeline, as `services.status.store.tables` packs them ----------------------------------------- */

static void put_field(Bytes *rows, Text text) {
    put_big_endian(rows, text.length, 4);
    put(rows, text.at, text.length);
}

static bool put_row(Bytes *rows, const Application *a, const Event *event, int64_t offset, int64_t recorded) {
    if (!make_room(rows, 160 + MAX_NUMBER + 2 * MAX_ATTRIBUTE + event->data.length)) return false;
    put_big_endian(rows, 10, 2);
    put_big_endian(rows, 8, 4);
    put_big_endian(rows, (uint64_t)offset, 8);
    put_big_endian(rows, 8, 4);
    put_big_endian(rows, (uint64_t)(event->at - EPOCH_2000_US), 8);
    put_big_endian(rows, 8, 4);
    put_big_endian(rows, (uint64_t)(recorded - EPOCH_2000_US), 8);
    put_big_endian(rows, 4, 4);
    put_big_endian(rows, (uint64_t)a->n, 4);
    put_field(rows, text_of(a->number));
    put_field(rows, (Text){NAMES[event->fact], strlen(NAMES[event->fact])});
    put_field(rows, event->source);
    put_field(rows, event->id);
    put_field(rows, event->data);
    put_big_endian(rows, 0xffffffff, 4); /* no deviations */
    return true;
}

/* ---- what is called from outside -------------------------------------------------------------------------------- */

static uint64_t mark_of(const Fold *fold, Text source, Text id) {
    char both[2 * MAX_ATTRIBUTE_BYTES + 1];
    memcpy(both, source.at, source.length);
    both[source.length] = '\n'; /* in no attribute */
    memcpy(both + source.length + 1, id.at, id.length);
    return hash_bytes(fold->key, both, source.length + 1 + id.length);
}

static bool was_seen(const Application *application, uint64_t mark) {
    for (size_t place = 0; place < application->seen.length; place += 8)
        if (memcmp(application->seen.at + place, &mark, 8) == 0) return true;
    return false;
}

static int take_one(Fold *fold, Text value, Text key, int64_t offset, int64_t timestamp_ms, bool *is_held) {
    Event event;
    *is_held = false;
    if (!read_event((Reader){value.at, value.at + value.length}, &event) || !same(key, event.subject)) return FOR_PYTHON;
    if (event.subject.length > MAX_NUMBER) return FOR_PYTHON;
    Application *application = fold->table[slot_of(fold, event.subject)];
    if (application == NULL) {
        if (!is_canonical(event.subject) || !belongs(fold, event.subject)) return FOR_PYTHON;
        if ((application = open_application(fold, event.subject)) == NULL) return NO_MEMORY;
    }
    *is_held = application->handed_over;
    if (application->handed_over) return FOR_PYTHON;
    uint64_t mark = mark_of(fold, event.source, event.id);
    if (was_seen(application, mark)) return REPEATED;
    int64_t recorded = timestamp_ms > REAL_TIMESTAMPS_MS ? timestamp_ms * 1000 : event.at;
    bool is_first = application->n == 0;
    int64_t reported = !is_first && application->first_recorded <= event.at ? recorded : event.at;
    if (application->n == MAX_EVENTS || !is_ordinary(fold, application, &event, reported)) return FOR_PYTHON;
    application->n++;
    application->last_at = event.at;
    application->last_offset = offset;
    if (is_first) application->first_recorded = application->last_recorded = recorded;
    if (recorded > application->last_recorded) application->last_recorded = recorded;
    if (!make_room(&application->seen, sizeof mark)) return NO_MEMORY;
    put(&application->seen, &mark, sizeof mark);
    if (!note_moment(application, &event, reported)) return NO_MEMORY;
    if (!put_row(&fold->rows, application, &event, offset, recorded)) return NO_MEMORY;
    if (event.fact <= WITHDRAWN && !evolve(fold, application, &event, reported)) return NO_MEMORY;
    return ROW;
}

void fold_free(void *opaque) {
    Fold *fold = opaque;
    for (size_t n = 0; n < fold->count; n++) {
        close_application(fold->in_order[n]);
        free(fold->in_order[n]);
    }
    free_words(&fold->words);
    free(fold->table);
    free(fold->in_order);
    free(fold->procedures);
    free(fold->rows.at);
    free(fold->state.at);
    free(fold);
}

void *fold_new(int partition, int partitions, const uint64_t key[2], int procedures) {
    Fold *fold = calloc(1, sizeof *fold);
    if (fold == NULL) return NULL;
    fold->partition = partition;
    fold->partitions = partitions;
    fold->key[0] = key[0];
    fold->key[1] = key[1];
    fold->slots = 1024;
    fold->table = calloc(fold->slots, sizeof *fold->table);
    fold->in_order = calloc(fold->slots / 2, sizeof *fold->in_order);
    fold->procedures = calloc((size_t)procedures + 1, sizeof *fold->procedures);
    if (fold->table != NULL && fold->in_order != NULL && fold->procedures != NULL) return fold;
    fold_free(fold);
    return NULL;
}

/* One more service; `steps` are reaches and needs of every fact in the order of NAMES. Those that are not `usable` here
 * (more stages than a mask has bits) are left to Python. As many as `fold_new` was told. -1 when memory ran out. */
int fold_declare(void *opaque, const char *service, int64_t length, int usable, const uint64_t *steps) {
    Fold *fold = opaque;
    Procedure *procedure = &fold->procedures[fold->procedure_count];
    if (length > MAX_CODE) return 0; /* no ordinary event names it */
    if (!keep(fold, &procedure->service, (Text){service, (size_t)length})) return -1;
    procedure->usable = usable;
    for (int n = 0; n < FACTS; n++) procedure->steps[n] = (Step){steps[2 * n], steps[2 * n + 1]};
    fold->procedure_count++;
    return 0;
}

const char *fold_fact(int n) { return n < FACTS ? NAMES[n] : NULL; }

/* Takes in records `first` to before `count` of a block whose values and keys are laid end to end; a length below zero is of
 * one that is not there. Stops after a record for Python that may be of an application which is still held here, so that
 * none after it is taken in before it. Returns the place to go on from, or -1 when memory ran out, after which the fold is
 * good for nothing. Of each record: its outcome, and where the rows end after it. The rows stand in `*rows` until the next
 * call. */
int fold_take(void *opaque, int first, int count, const char *values, const int64_t *value_lengths, const char *keys,
              const int64_t *key_lengths, const int64_t *offsets, const int64_t *timestamps_ms, uint8_t *outcomes,
              int64_t *row_ends, const uint8_t **rows) {
    Fold *fold = opaque;
    int place = 0;
    fold->rows.length = 0;
    for (bool is_held = true; place < count && is_held; place++) {
        bool there = value_lengths[place] >= 0 && key_lengths[place] >= 0;
        Text value = {values, value_lengths[place] > 0 ? (size_t)value_lengths[place] : 0};
        Text key = {keys, key_lengths[place] > 0 ? (size_t)key_lengths[place] : 0};
        values += value.length;
        keys += key.length;
        if (place < first) continue;
        int outcome = FOR_PYTHON;
        is_held = false;
        if (there) outcome = take_one(fold, value, key, offsets[place], timestamps_ms[place], &is_held);
        if (outcome == NO_MEMORY) return -1;
        is_held = is_held || outcome != FOR_PYTHON;
        outcomes[place] = (uint8_t)outcome;
        row_ends[place] = (int64_t)fold->rows.length;
    }
    *rows = fold->rows.at;
    return place;
}

/* The mark by which a repeated event is known; 200 characters, so 800 bytes, are the most. */
uint64_t fold_mark(void *opaque, const char *source, int64_t source_length, const char *id, int64_t id_length) {
    if (source_length > MAX_ATTRIBUTE_BYTES || id_length > MAX_ATTRIBUTE_BYTES) return 0;
    return mark_of(opaque, (Text){source, (size_t)source_length}, (Text){id, (size_t)id_length});
}

/* From now on this application's records are for Python. What is known of it: the length of its state, 0 when nothing
 * is known, -1 when memory ran out. The pointers hold until the next call. */
int64_t fold_hand_over(void *opaque, const char *number, int64_t length, const uint8_t **state, const uint8_t **seen,
                       int64_t *seen_length, int64_t *last_offset) {
    Fold *fold = opaque;
    Text text = {number, (size_t)length};
    if (length > MAX_NUMBER) return 0;
    Application *application = fold->table[slot_of(fold, text)];
    if (application == NULL && (application = open_application(fold, text)) == NULL) return -1;
    if (application->handed_over) return 0;
    application->handed_over = true;
    if (application->n == 0) return 0;
    fold->state.length = 0;
    if (!pack_state(&fold->state, application)) return -1;
    *state = fold->state.at;
    *seen = application->seen.at;
    *seen_length = (int64_t)application->seen.length;
    *last_offset = application->last_offset;
    return (int64_t)fold->state.length;
}

/* The applications that were not handed over, `most` at a time from `*place` on, in the order in which they came:
 * MessagePack, an array of [number, offset of the last record, state]. Its length, -1 when memory ran out; after the last
 * the array is empty. The pointer holds until the next call. */
int64_t fold_tell(void *opaque, int64_t *place, int most, const uint8_t **told) {
    Fold *fold = opaque;
    Bytes *out = &fold->state;
    uint32_t count = 0;
    out->length = 0;
    if (!make_room(out, 8)) return -1;
    put_big_endian(out, 0xdd00000000, 5); /* an array of so many: filled in below */
    for (; (size_t)*place < fold->count && count < (uint32_t)most; ++*place) {
        const Application *application = fold->in_order[*place];
        if (application->handed_over || application->n == 0) continue;
        if (!make_room(out, MAX_NUMBER + 16)) return -1;
        pack_array(out, 3);
        pack_text(out, text_of(application->number));
        pack_integer(out, application->last_offset);
        if (!pack_state(out, application)) return -1;
        count++;
    }
    for (int n = 0; n < 4; n++) out->at[1 + n] = (uint8_t)(count >> (24 - 8 * n));
    *told = out->at;
    return (int64_t)out->length;
}
