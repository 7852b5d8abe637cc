/* A reader for the JSON that machine.py writes.
 *
 * Text in, a tree out, or NULL where the text is not whole: the caller then keeps what it had.
 * Numbers are integers (true and false are 1 and 0), `\u` escapes are not read, because the
 * writer makes none. Strings point into the text, so the tree owns it.
 */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

typedef enum { JSON_NULL, JSON_NUMBER, JSON_TEXT, JSON_LIST, JSON_OBJECT } JsonKind;

typedef struct Json {
    JsonKind kind;
    const char *key; /* within an object, else NULL */
    long long number;
    const char *text;
    struct Json *first; /* of a list's or an object's members */
    struct Json *next;  /* beside this one */
} Json;

enum { JSON_DEEPEST = 16 };

static void json_free(Json *node) {
    while (node) {
        Json *next = node->next;
        json_free(node->first);
        free(node);
        node = next;
    }
}

static const Json *json_get(const Json *object, const char *key) {
    if (!object || object->kind != JSON_OBJECT) return NULL;
    for (const Json *member = object->first; member; member = member->next)
        if (strcmp(member->key, key) == 0) return member->kind == JSON_NULL ? NULL : member;
    return NULL;
}

static const Json *json_at(const Json *list, unsigned index) {
    if (!list || list->kind != JSON_LIST) return NULL;
    const Json *item = list->first;
    while (item && index--) item = item->next;
    return item;
}

static unsigned json_length(const Json *list) {
    unsigned length = 0;
    if (list)
        for (const Json *item = list->first; item; item = item->next) length++;
    return length;
}

static void json_skip_space(char **at) { *at += strspn(*at, " \t\r\n"); }

static bool json_take(char **at, const char *word) {
    json_skip_space(at);
    size_t length = strlen(word);
    if (strncmp(*at, word, length) != 0) return false;
    *at += length;
    return true;
}

/* Unescapes in place: what it means is never longer than how it is written. */
static const char *json_string(char **at) {
    if (!json_take(at, "\"")) return NULL;
    char *start = *at, *out = *at;
    for (char *in = *at; *in; in++) {
        if (*in == '"') {
            *out = '\0';
            *at = in + 1;
            return start;
        }
        if (*in == '\\') {
            static const char written[] = "\"\\/bfnrt", meant[] = "\"\\/\b\f\n\r\t";
            const char *found = in[1] ? strchr(written, in[1]) : NULL;
            if (!found) return NULL;
            *out++ = meant[found - written];
            in++;
        } else {
            *out++ = *in;
        }
    }
    return NULL;
}

static Json *json_value(char **at, int depth);

static bool json_members(char **at, Json *parent, const char *end, int depth) {
    Json **last = &parent->first;
    if (json_take(at, end)) return true;
    do {
        const char *key = NULL;
        if (parent->kind == JSON_OBJECT && (!(key = json_string(at)) || !json_take(at, ":"))) return false;
        Json *member = json_value(at, depth + 1);
        if (!member) return false;
        member->key = key;
        *last = member;
        last = &member->next;
    } while (json_take(at, ","));
    return json_take(at, end);
}

static bool json_fill(char **at, Json *node, int depth) {
    if (json_take(at, "{")) return node->kind = JSON_OBJECT, json_members(at, node, "}", depth);
    if (json_take(at, "[")) return node->kind = JSON_LIST, json_members(at, node, "]", depth);
    if (**at == '"') return node->kind = JSON_TEXT, (node->text = json_string(at)) != NULL;
    if (json_take(at, "null")) return true;
    node->kind = JSON_NUMBER;
    if (json_take(at, "true")) return node->number = 1, true;
    if (json_take(at, "false")) return true;
    char *end;
    node->number = strtoll(*at, &end, 10);
    bool read = end != *at;
    *at = end;
    return read;
}

static Json *json_value(char **at, int depth) {
    Json *node = depth < JSON_DEEPEST ? calloc(1, sizeof *node) : NULL;
    if (node && !json_fill(at, node, depth)) {
        json_free(node);
        return NULL;
    }
    return node;
}

static Json *json_parse(char *text) {
    Json *root = json_value(&text, 0);
    json_skip_space(&text);
    if (root && *text) {
        json_free(root);
        return NULL;
    }
    return root;
}
