/* The state file, and what every call does before it answers.
 *
 * Every call is traced, takes the lock, reads the file again if it changed, meets the delay
 * and the error that were injected, and answers. The delay is slept outside the lock, so that
 * one GPU that hangs does not stop the others.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "json.h"

typedef enum {
    SUCCESS = 0,
    UNINITIALIZED = 1,
    INVALID_ARGUMENT = 2,
    NOT_SUPPORTED = 3,
    NOT_FOUND = 6,
    INSUFFICIENT_SIZE = 7,
    DRIVER_NOT_LOADED = 9,
    TIMEOUT = 10,
    GPU_IS_LOST = 15,
    MEMORY = 20,
    ARGUMENT_VERSION_MISMATCH = 25,
} Return;

enum { MOST_GPUS = 64, MOST_MIG = 8 };
static const char STATE_IN_CONTAINER[] = "/run/emulated-gpus/state.json";

/* What a handle points to. It stands for a place in the list and never moves, so that a handle
 * outlives every change of the file. */
typedef struct {
    int gpu;
    int mig; /* 0: the whole GPU; else the MIG instance's number plus one */
} Device;

static Device devices[MOST_GPUS][1 + MOST_MIG];

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int users; /* nvmlInit calls less nvmlShutdown calls */

/* --- The state file ------------------------------------------------------------------- */

static struct {
    Json *root;
    char *text;
    struct timespec changed;
    off_t size;
    ino_t inode;
} state;

static char *read_all(int file, off_t size) {
    char *text = malloc((size_t)size + 1);
    ssize_t length = text ? read(file, text, (size_t)size) : -1;
    if (length < 0) {
        free(text);
        return NULL;
    }
    text[length] = '\0';
    return text;
}

static bool has_device_file(const Json *part, const char *prefix, const char *key) {
    const Json *number = json_get(part, key);
    char path[64];
    snprintf(path, sizeof path, "%s%lld", prefix, number ? number->number : -1);
    return access(path, F_OK) == 0;
}

static void keep_what_has_a_device_file(Json *list, const char *prefix, const char *key) {
    for (Json **at = list ? &list->first : NULL; at && *at;) {
        Json *part = *at;
        if (has_device_file(part, prefix, key)) {
            at = &part->next;
            continue;
        }
        *at = part->next;
        part->next = NULL;
        json_free(part);
    }
}

static const Json *mig_list(const Json *gpu) { return json_get(json_get(gpu, "mig"), "devices"); }

static void hide_what_is_not_in_this_container(Json *root) {
    Json *gpus = (Json *)json_get(root, "gpus");
    keep_what_has_a_device_file(gpus, "/dev/nvidia", "minor");
    for (Json *gpu = gpus ? gpus->first : NULL; gpu; gpu = gpu->next)
        keep_what_has_a_device_file((Json *)mig_list(gpu), "/dev/nvidia-caps/nvidia-cap", "cap");
}

/* A file that is only half there changes nothing: the state before it stays. */
static void reload(void) {
    const char *given = getenv("FAKE_NVML_CONFIG");
    int file = open(given ? given : STATE_IN_CONTAINER, O_RDONLY | O_CLOEXEC);
    struct stat now;
    if (file < 0) return;
    if (fstat(file, &now) == 0 &&
        (now.st_mtim.tv_sec != state.changed.tv_sec || now.st_mtim.tv_nsec != state.changed.tv_nsec ||
         now.st_size != state.size || now.st_ino != state.inode)) {
        char *text = read_all(file, now.st_size);
        Json *root = text ? json_parse(text) : NULL;
        if (root) {
            if (!given) hide_what_is_not_in_this_container(root);
            json_free(state.root);
            free(state.text);
            state.root = root;
            state.text = text;
        } else {
            free(text);
        }
        state.changed = now.st_mtim;
        state.size = now.st_size;
        state.inode = now.st_ino;
    }
    close(file);
}

static const Json *gpu_of(const Device *device) {
    return json_at(json_get(state.root, "gpus"), (unsigned)device->gpu);
}

static bool flag(const Json *object, const char *key) {
    const Json *value = json_get(object, key);
    return value && value->number;
}

static unsigned long long amount(const Json *object, const char *key) {
    const Json *value = json_get(object, key);
    return value ? (unsigned long long)value->number : 0;
}

/* --- What every call does first ------------------------------------------------------- */

static void trace(const char *function) {
    const char *path = getenv("FAKE_NVML_TRACE");
    int file = path ? open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600) : -1;
    if (file < 0) return;
    dprintf(file, "%s\n", function);
    close(file);
}

static void sleep_ms(long long ms) {
    struct timespec rest = {ms / 1000, ms % 1000 * 1000000};
    while (nanosleep(&rest, &rest) != 0 && errno == EINTR) continue;
}

static long long milliseconds_now(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

/* The number that was injected for a function: by its name, with or without the version at its
 * end, or by `*` for all. */
static long long injected(const Json *owner, const char *table, const char *function) {
    const Json *numbers = json_get(owner, table);
    for (const Json *entry = numbers ? numbers->first : NULL; entry; entry = entry->next) {
        size_t length = strlen(entry->key);
        bool same = strncmp(entry->key, function, length) == 0 &&
                    (function[length] == '\0' || strncmp(function + length, "_v", 2) == 0);
        if (same || strcmp(entry->key, "*") == 0) return entry->number;
    }
    return 0;
}

/* Returns with the lock held, whatever the answer: each call ends with `finish`. */
static Return begin(const char *function, const Device *device) {
    trace(function);
    pthread_mutex_lock(&lock);
    reload();
    const Json *gpu = device ? gpu_of(device) : NULL;
    long long delay = injected(gpu, "delay_ms", function);
    if (!delay) delay = injected(state.root, "delay_ms", function);
    if (delay) {
        pthread_mutex_unlock(&lock);
        sleep_ms(delay);
        pthread_mutex_lock(&lock);
        reload();
        gpu = device ? gpu_of(device) : NULL;
    }
    if (!users) return UNINITIALIZED;
    Return error = (Return)injected(state.root, "errors", function);
    if (error || !device) return error;
    if (!gpu || flag(gpu, "lost")) return GPU_IS_LOST;
    if (device->mig && !json_at(mig_list(gpu), (unsigned)device->mig - 1)) return GPU_IS_LOST;
    return (Return)injected(gpu, "errors", function);
}

static Return finish(Return answer) {
    pthread_mutex_unlock(&lock);
    return answer;
}

static bool is_device(const Device *device) {
    return device >= &devices[0][0] && device <= &devices[MOST_GPUS - 1][MOST_MIG];
}

/* A call about the machine, and one about a device: there, `it` is the GPU's or the MIG
 * instance's own part of the state, `gpu` always the GPU's. */
#define ANSWER(answer)                               \
    do {                                             \
        Return refused = begin(__func__, NULL);      \
        return finish(refused ? refused : (answer)); \
    } while (0)

#define ANSWER_ABOUT(device, answer)                                                                \
    do {                                                                                            \
        if (!is_device(device)) return INVALID_ARGUMENT;                                            \
        Return refused = begin(__func__, device);                                                   \
        const Json *gpu = gpu_of(device);                                                           \
        const Json *it = (device)->mig ? json_at(mig_list(gpu), (unsigned)(device)->mig - 1) : gpu; \
        (void)it;                                                                                   \
        return finish(refused ? refused : (answer));                                                \
    } while (0)
