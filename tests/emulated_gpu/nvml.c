/* An emulated libnvidia-ml.so.1: NVIDIA's management library without a GPU.
 *
 * It answers from a JSON file, which machine.py writes and whose fields carry the names used
 * below; a field that is missing or null is something that the card does not support. The
 * file is FAKE_NVML_CONFIG. Without that variable we are inside a container, where the state
 * is mounted at a fixed place and, as with the real library, a GPU is seen only if its device
 * file is there. No file at all is a driver that is not loaded.
 *
 * Every call is traced, takes the lock, reads the file again if it changed, meets the delay
 * and the error that were injected, and answers. The delay is slept outside the lock, so that
 * one GPU that hangs does not stop the others. FAKE_NVML_TRACE names a file that gets each
 * call's name.
 *
 * A process that holds /dev/nvidia<minor> open is a compute process of that GPU, with the
 * memory that its own environment names in FAKE_GPU_MEMORY_MB; /dev/nvidia-caps/nvidia-cap<n>
 * does the same for a MIG instance.
 *
 * Source of layouts and answers: https://docs.nvidia.com/deploy/nvml-api/
 */
#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "json.h"

#define EXPORT __attribute__((visibility("default")))

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

enum {
    MOST_GPUS = 64,
    MOST_MIG = 8,
    MOST_HOLDERS = 1024,
    SCAN_KEPT_MS = 200,
    EVENT_LOOK_MS = 20,
    MEMORY_V2 = 0x02000028,
    TEMPERATURE_V1 = 0x0100000c,
};
static const unsigned NO_INSTANCE = UINT_MAX;
static const unsigned long long UNKNOWN = ULLONG_MAX;
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

static const Json *gpu_of(const Device *device) { return json_at(json_get(state.root, "gpus"), (unsigned)device->gpu); }

static bool flag(const Json *object, const char *key) {
    const Json *value = json_get(object, key);
    return value && value->number;
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
    while (nanosleep(&rest, &rest) != 0) continue;
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

static bool is_device(const Device *device) { return device >= &devices[0][0] && device <= &devices[MOST_GPUS - 1][MOST_MIG]; }

/* A call about the machine, and one about a device: there, `it` is the GPU's or the MIG
 * instance's own part of the state, `gpu` always the GPU's. */
#define ANSWER(answer)                                           \
    do {                                                         \
        Return refused = begin(__func__, NULL);                  \
        return finish(refused ? refused : (answer));             \
    } while (0)

#define ANSWER_ABOUT(device, answer)                                                          \
    do {                                                                                      \
        if (!is_device(device)) return INVALID_ARGUMENT;                                      \
        Return refused = begin(__func__, device);                                             \
        const Json *gpu = gpu_of(device);                                                     \
        const Json *it = (device)->mig ? json_at(mig_list(gpu), (unsigned)(device)->mig - 1) : gpu; \
        (void)it;                                                                             \
        return finish(refused ? refused : (answer));                                          \
    } while (0)

/* --- Kinds of answers ----------------------------------------------------------------- */

static Return give_unsigned(const Json *object, const char *key, unsigned *out) {
    const Json *value = json_get(object, key);
    if (!out) return INVALID_ARGUMENT;
    if (!value) return NOT_SUPPORTED;
    *out = (unsigned)value->number;
    return SUCCESS;
}

static Return give_both(const Json *object, const char *key, unsigned *current, unsigned *pending) {
    Return answer = give_unsigned(object, key, current);
    return answer ? answer : give_unsigned(object, key, pending);
}

static Return give_long(const Json *object, const char *key, unsigned long long *out) {
    const Json *value = json_get(object, key);
    if (!value) return NOT_SUPPORTED;
    *out = (unsigned long long)value->number;
    return SUCCESS;
}

static Return give_text(const Json *object, const char *key, char *out, unsigned size) {
    const Json *value = json_get(object, key);
    if (!value || value->kind != JSON_TEXT) return NOT_SUPPORTED;
    if (strlen(value->text) >= size) return INSUFFICIENT_SIZE;
    strcpy(out, value->text);
    return SUCCESS;
}

static Return give_handle(const Device *device, const Device **out) {
    *out = device;
    return SUCCESS;
}

static unsigned long long amount(const Json *object, const char *key) {
    unsigned long long value = 0;
    give_long(object, key, &value);
    return value;
}

/* --- Who uses a GPU ------------------------------------------------------------------- */

typedef struct {
    unsigned pid;
    int minor; /* of /dev/nvidia<minor>, or -1 */
    int cap;   /* of /dev/nvidia-caps/nvidia-cap<cap>, or -1 */
    unsigned long long memory;
} Holder;

static Holder holders[MOST_HOLDERS];
static size_t holder_count;
static long long scanned_at = LLONG_MIN / 2;

static unsigned long long memory_named_by(const char *pid) {
    static const char name[] = "FAKE_GPU_MEMORY_MB=";
    static char block[65536]; /* under the lock */
    char path[64];
    snprintf(path, sizeof path, "/proc/%.20s/environ", pid);
    int file = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t length = file < 0 ? 0 : read(file, block, sizeof block - 1);
    if (file >= 0) close(file);
    block[length > 0 ? length : 0] = '\0';
    for (const char *at = block; at < block + length; at += strlen(at) + 1)
        if (strncmp(at, name, sizeof name - 1) == 0) return strtoull(at + sizeof name - 1, NULL, 10) << 20;
    return 0;
}

static void note_holder(const char *pid, int minor, int cap) {
    unsigned number = (unsigned)strtoul(pid, NULL, 10);
    for (size_t i = holder_count; i-- > 0 && holders[i].pid == number;)
        if (holders[i].minor == minor && holders[i].cap == cap) return;
    if (holder_count < MOST_HOLDERS) holders[holder_count++] = (Holder){number, minor, cap, memory_named_by(pid)};
}

static void scan_process(const char *pid) {
    char path[PATH_MAX], target[PATH_MAX];
    snprintf(path, sizeof path, "/proc/%.20s/fd", pid);
    DIR *folder = opendir(path);
    if (!folder) return;
    for (struct dirent *entry; (entry = readdir(folder));) {
        ssize_t length = readlinkat(dirfd(folder), entry->d_name, target, sizeof target - 1);
        int number, end = 0;
        if (length < 0) continue;
        target[length] = '\0';
        if (sscanf(target, "/dev/nvidia%d%n", &number, &end) == 1 && end == length) note_holder(pid, number, -1);
        if (sscanf(target, "/dev/nvidia-caps/nvidia-cap%d%n", &number, &end) == 1 && end == length)
            note_holder(pid, -1, number);
    }
    closedir(folder);
}

static void scan(void) {
    if (milliseconds_now() - scanned_at < SCAN_KEPT_MS) return;
    DIR *processes = opendir("/proc");
    holder_count = 0;
    if (processes) {
        for (struct dirent *entry; (entry = readdir(processes));)
            if (isdigit((unsigned char)entry->d_name[0])) scan_process(entry->d_name);
        closedir(processes);
    }
    scanned_at = milliseconds_now();
}

typedef struct {
    unsigned pid;
    unsigned long long memory;
    unsigned gpu_instance;
    unsigned compute_instance;
} Process;

typedef struct {
    Process rows[MOST_HOLDERS];
    unsigned count;
} Processes;

static unsigned instance(const Json *object, const char *key) {
    const Json *value = json_get(object, key);
    return value ? (unsigned)value->number : NO_INSTANCE;
}

static void add(Processes *all, unsigned pid, unsigned long long memory, const Json *where) {
    if (all->count < MOST_HOLDERS)
        all->rows[all->count++] = (Process){pid, memory, instance(where, "gi"), instance(where, "ci")};
}

static bool within(const Json *process, const Json *it) {
    const Json *gi = json_get(it, "gi");
    return !gi || (instance(process, "gi") == (unsigned)gi->number && instance(process, "ci") == instance(it, "ci"));
}

/* `it` is the GPU, or one of its MIG instances: then only what runs in that instance. */
static const Processes *processes_of(const Json *gpu, const Json *it, char type) {
    static Processes all; /* under the lock */
    all.count = 0;
    const Json *named = json_get(gpu, "processes");
    for (const Json *process = named ? named->first : NULL; process; process = process->next) {
        const Json *kind = json_get(process, "type");
        bool wanted = type == '*' || (kind && kind->text ? kind->text[0] : 'C') == type;
        if (wanted && within(process, it))
            add(&all, instance(process, "pid"), json_get(process, "memory") ? amount(process, "memory") : UNKNOWN, process);
    }
    if ((type != 'C' && type != '*') || !flag(state.root, "scan_fd")) return &all;
    scan();
    for (const Holder *holder = holders; holder < holders + holder_count; holder++) {
        if (it == gpu && holder->minor >= 0 && instance(gpu, "minor") == (unsigned)holder->minor)
            add(&all, holder->pid, holder->memory, NULL);
        for (const Json *mig = mig_list(gpu) ? mig_list(gpu)->first : NULL; mig; mig = mig->next)
            if ((it == gpu || it == mig) && holder->cap >= 0 && instance(mig, "cap") == (unsigned)holder->cap)
                add(&all, holder->pid, holder->memory, mig);
    }
    return &all;
}

static unsigned long long memory_used(const Json *gpu, const Json *it) {
    if (json_get(it, "memory_used")) return amount(it, "memory_used");
    unsigned long long used = amount(it, "memory_base"), total = amount(it, "memory_total");
    const Processes *all = processes_of(gpu, it, '*');
    for (unsigned i = 0; i < all->count; i++)
        if (all->rows[i].memory != UNKNOWN) used += all->rows[i].memory;
    return used < total ? used : total;
}

typedef struct {
    unsigned pid;
    unsigned long long memory;
} ProcessV1;

_Static_assert(sizeof(Process) == 24 && sizeof(ProcessV1) == 16, "rows as NVML lays them out");

static Return give_processes(const Json *gpu, const Json *it, char type, unsigned *count, void *rows, bool first_version) {
    const Processes *all = processes_of(gpu, it, type);
    unsigned room = *count;
    *count = all->count;
    if (all->count && (!rows || room < all->count)) return INSUFFICIENT_SIZE;
    for (unsigned i = 0; i < all->count; i++)
        if (first_version)
            ((ProcessV1 *)rows)[i] = (ProcessV1){all->rows[i].pid, all->rows[i].memory};
        else
            ((Process *)rows)[i] = all->rows[i];
    return SUCCESS;
}

typedef struct {
    unsigned pid;
    unsigned long long timestamp_us;
    unsigned sm, memory, encoder, decoder;
} Sample;

static Return give_samples(const Json *gpu, Sample *rows, unsigned *count) {
    const Json *named = json_get(gpu, "processes");
    unsigned room = *count, found = 0;
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    for (const Json *process = named ? named->first : NULL; process; process = process->next) {
        if (!json_get(process, "sm")) continue;
        if (rows && found < room)
            rows[found] = (Sample){instance(process, "pid"), now.tv_sec * 1000000ULL + (unsigned long long)now.tv_nsec / 1000,
                                   (unsigned)amount(process, "sm"), (unsigned)amount(process, "mem"), 0, 0};
        found++;
    }
    *count = found;
    if (!found) return NOT_FOUND;
    return rows && found <= room ? SUCCESS : INSUFFICIENT_SIZE;
}

/* --- The machine ---------------------------------------------------------------------- */

static void set_out_devices(void) {
    for (int gpu = 0; gpu < MOST_GPUS; gpu++)
        for (int mig = 0; mig <= MOST_MIG; mig++) devices[gpu][mig] = (Device){gpu, mig};
}

EXPORT Return nvmlInitWithFlags(unsigned flags) {
    (void)flags;
    Return ready = begin("nvmlInit", NULL);
    if (ready != UNINITIALIZED && ready != SUCCESS) return finish(ready);
    if (!state.root) return finish(DRIVER_NOT_LOADED);
    if (amount(state.root, "init_error")) return finish((Return)amount(state.root, "init_error"));
    set_out_devices();
    users++;
    return finish(SUCCESS);
}

EXPORT Return nvmlInit_v2(void) { return nvmlInitWithFlags(0); }

EXPORT Return nvmlShutdown(void) { ANSWER((users--, SUCCESS)); }

EXPORT const char *nvmlErrorString(Return code) {
    switch (code) {
        case SUCCESS: return "Success";
        case UNINITIALIZED: return "Uninitialized";
        case INVALID_ARGUMENT: return "Invalid Argument";
        case NOT_SUPPORTED: return "Not Supported";
        case NOT_FOUND: return "Not Found";
        case INSUFFICIENT_SIZE: return "Insufficient Size";
        case DRIVER_NOT_LOADED: return "Driver Not Loaded";
        case TIMEOUT: return "Timeout";
        case GPU_IS_LOST: return "GPU is lost";
        case MEMORY: return "Insufficient Memory";
        case ARGUMENT_VERSION_MISMATCH: return "Argument Version Mismatch";
    }
    return "Unknown Error";
}

EXPORT Return nvmlSystemGetDriverVersion(char *out, unsigned size) { ANSWER(give_text(state.root, "driver_version", out, size)); }
EXPORT Return nvmlSystemGetNVMLVersion(char *out, unsigned size) { ANSWER(give_text(state.root, "nvml_version", out, size)); }
EXPORT Return nvmlSystemGetCudaDriverVersion(int *out) { ANSWER(give_unsigned(state.root, "cuda_version", (unsigned *)out)); }
EXPORT Return nvmlSystemGetCudaDriverVersion_v2(int *out) { ANSWER(give_unsigned(state.root, "cuda_version", (unsigned *)out)); }

EXPORT Return nvmlDeviceGetCount_v2(unsigned *count) { ANSWER((*count = json_length(json_get(state.root, "gpus")), SUCCESS)); }

/* --- Handles -------------------------------------------------------------------------- */

EXPORT Return nvmlDeviceGetHandleByIndex_v2(unsigned index, const Device **out) {
    pthread_mutex_lock(&lock);
    reload();
    bool present = index < json_length(json_get(state.root, "gpus")) && index < MOST_GPUS;
    pthread_mutex_unlock(&lock);
    if (!present) ANSWER(INVALID_ARGUMENT);
    ANSWER_ABOUT(&devices[index][0], give_handle(&devices[index][0], out));
}

static bool says(const Json *object, const char *key, const char *text) {
    const Json *value = json_get(object, key);
    return value && value->kind == JSON_TEXT && strcasecmp(value->text, text) == 0;
}

static const Device *find(const char *key, const char *text) {
    const Json *gpus = json_get(state.root, "gpus");
    unsigned index = 0;
    for (const Json *gpu = gpus ? gpus->first : NULL; gpu && index < MOST_GPUS; gpu = gpu->next, index++) {
        if (says(gpu, key, text)) return &devices[index][0];
        unsigned mig = 1;
        const Json *list = mig_list(gpu);
        for (const Json *part = list ? list->first : NULL; part && mig <= MOST_MIG; part = part->next, mig++)
            if (says(part, key, text)) return &devices[index][mig];
    }
    return NULL;
}

static Return give_found(const Device *device, const Device **out) {
    if (!device) return NOT_FOUND;
    return flag(gpu_of(device), "lost") ? GPU_IS_LOST : give_handle(device, out);
}

EXPORT Return nvmlDeviceGetHandleByUUID(const char *uuid, const Device **out) { ANSWER(give_found(find("uuid", uuid), out)); }
EXPORT Return nvmlDeviceGetHandleByPciBusId_v2(const char *id, const Device **out) { ANSWER(give_found(find("bus_id", id), out)); }
EXPORT Return nvmlDeviceGetIndex(const Device *device, unsigned *out) {
    ANSWER_ABOUT(device, (*out = (unsigned)(device->mig ? device->mig - 1 : device->gpu), SUCCESS));
}

/* --- Plain properties ----------------------------------------------------------------- */

#define UNSIGNED(function, key) \
    EXPORT Return function(const Device *device, unsigned *out) { ANSWER_ABOUT(device, give_unsigned(it, key, out)); }
UNSIGNED(nvmlDeviceGetMinorNumber, "minor")
UNSIGNED(nvmlDeviceGetPowerUsage, "power_mw")
UNSIGNED(nvmlDeviceGetPowerManagementLimit, "power_limit_mw")
UNSIGNED(nvmlDeviceGetEnforcedPowerLimit, "power_limit_mw")
UNSIGNED(nvmlDeviceGetFanSpeed, "fan")
UNSIGNED(nvmlDeviceGetPerformanceState, "performance_state")
UNSIGNED(nvmlDeviceGetPersistenceMode, "persistence_mode")
UNSIGNED(nvmlDeviceGetComputeMode, "compute_mode")
UNSIGNED(nvmlDeviceGetDisplayActive, "display_active")
UNSIGNED(nvmlDeviceGetDisplayMode, "display_mode")
UNSIGNED(nvmlDeviceGetCurrPcieLinkGeneration, "pcie_generation")
UNSIGNED(nvmlDeviceGetMaxPcieLinkGeneration, "pcie_generation")
UNSIGNED(nvmlDeviceGetCurrPcieLinkWidth, "pcie_width")
UNSIGNED(nvmlDeviceGetMaxPcieLinkWidth, "pcie_width")
UNSIGNED(nvmlDeviceGetGpuInstanceId, "gi")
UNSIGNED(nvmlDeviceGetComputeInstanceId, "ci")

#define LONG(function, key) \
    EXPORT Return function(const Device *device, unsigned long long *out) { ANSWER_ABOUT(device, give_long(it, key, out)); }
LONG(nvmlDeviceGetTotalEnergyConsumption, "energy_mj")
LONG(nvmlDeviceGetCurrentClocksEventReasons, "clocks_event_reasons")
LONG(nvmlDeviceGetCurrentClocksThrottleReasons, "clocks_event_reasons")
LONG(nvmlDeviceGetSupportedEventTypes, "event_types")

#define TEXT(function, key) \
    EXPORT Return function(const Device *device, char *out, unsigned size) { ANSWER_ABOUT(device, give_text(it, key, out, size)); }
TEXT(nvmlDeviceGetName, "name")
TEXT(nvmlDeviceGetUUID, "uuid")
TEXT(nvmlDeviceGetSerial, "serial")

typedef struct {
    char bus_id_short[16];
    unsigned domain, bus, device, device_id, subsystem_id;
    char bus_id[32];
} Pci;

static Return give_pci(const Json *text, Pci *out) {
    Pci pci = {0};
    if (!text || text->kind != JSON_TEXT) return NOT_SUPPORTED;
    if (sscanf(text->text, "%x:%x:%x", &pci.domain, &pci.bus, &pci.device) != 3) return NOT_SUPPORTED;
    snprintf(pci.bus_id, sizeof pci.bus_id, "%s", text->text);
    snprintf(pci.bus_id_short, sizeof pci.bus_id_short, "%04X:%02X:%02X.0", pci.domain & 0xffff, pci.bus & 0xff, pci.device & 0xff);
    pci.device_id = 0x20b010de;
    *out = pci;
    return SUCCESS;
}

EXPORT Return nvmlDeviceGetPciInfo_v3(const Device *device, Pci *out) { ANSWER_ABOUT(device, give_pci(json_get(it, "bus_id"), out)); }

static Return give_capability(const Json *gpu, int *major, int *minor) {
    Return answer = give_unsigned(gpu, "capability", (unsigned *)major);
    *minor = *major % 10;
    *major /= 10;
    return answer;
}

EXPORT Return nvmlDeviceGetCudaComputeCapability(const Device *device, int *major, int *minor) {
    *major = 0;
    ANSWER_ABOUT(device, give_capability(gpu, major, minor));
}

typedef struct {
    unsigned long long total, free, used;
} MemoryInfo;

typedef struct {
    unsigned version;
    unsigned long long total, reserved, free, used;
} MemoryInfoV2;

static Return give_memory(const Json *gpu, const Json *it, MemoryInfo *out) {
    unsigned long long total = amount(it, "memory_total");
    unsigned long long used = memory_used(gpu, it) + amount(it, "memory_reserved");
    if (used > total) used = total;
    *out = (MemoryInfo){total, total - used, used};
    return SUCCESS;
}

static Return give_memory_v2(const Json *gpu, const Json *it, MemoryInfoV2 *out) {
    if (out->version != MEMORY_V2) return ARGUMENT_VERSION_MISMATCH;
    MemoryInfo all;
    give_memory(gpu, it, &all);
    unsigned long long reserved = amount(it, "memory_reserved");
    unsigned long long used = all.used > reserved ? all.used - reserved : 0;
    *out = (MemoryInfoV2){MEMORY_V2, all.total, reserved, all.free, used};
    return SUCCESS;
}

EXPORT Return nvmlDeviceGetMemoryInfo(const Device *device, MemoryInfo *out) { ANSWER_ABOUT(device, give_memory(gpu, it, out)); }
EXPORT Return nvmlDeviceGetMemoryInfo_v2(const Device *device, MemoryInfoV2 *out) { ANSWER_ABOUT(device, give_memory_v2(gpu, it, out)); }

static Return give_bar1(const Json *it, MemoryInfo *out) {
    if (!json_get(it, "bar1_total")) return NOT_SUPPORTED;
    unsigned long long total = amount(it, "bar1_total"), used = amount(it, "bar1_used");
    *out = (MemoryInfo){total, total - used, used};
    return SUCCESS;
}

EXPORT Return nvmlDeviceGetBAR1MemoryInfo(const Device *device, MemoryInfo *out) { ANSWER_ABOUT(device, give_bar1(it, out)); }

/* --- Load ----------------------------------------------------------------------------- */

typedef struct {
    unsigned gpu, memory;
} Utilization;

static Return give_pair(const Json *it, const char *first, unsigned *one, const char *second, unsigned *two) {
    Return answer = give_unsigned(it, first, one);
    return answer ? answer : give_unsigned(it, second, two);
}

EXPORT Return nvmlDeviceGetUtilizationRates(const Device *device, Utilization *out) {
    ANSWER_ABOUT(device, give_pair(it, "gpu_util", &out->gpu, "mem_util", &out->memory));
}
EXPORT Return nvmlDeviceGetEncoderUtilization(const Device *device, unsigned *out, unsigned *period_us) {
    ANSWER_ABOUT(device, give_pair(it, "encoder_util", out, "sampling_period_us", period_us));
}
EXPORT Return nvmlDeviceGetDecoderUtilization(const Device *device, unsigned *out, unsigned *period_us) {
    ANSWER_ABOUT(device, give_pair(it, "decoder_util", out, "sampling_period_us", period_us));
}

typedef struct {
    unsigned version, sensor;
    int celsius;
} Temperature;

static Return give_temperature_v(const Json *it, Temperature *out) {
    if (out->version != TEMPERATURE_V1) return ARGUMENT_VERSION_MISMATCH;
    return out->sensor ? INVALID_ARGUMENT : give_unsigned(it, "temperature", (unsigned *)&out->celsius);
}

EXPORT Return nvmlDeviceGetTemperature(const Device *device, unsigned sensor, unsigned *out) {
    ANSWER_ABOUT(device, sensor ? INVALID_ARGUMENT : give_unsigned(it, "temperature", out));
}
EXPORT Return nvmlDeviceGetTemperatureV(const Device *device, Temperature *out) { ANSWER_ABOUT(device, give_temperature_v(it, out)); }

/* Lists in the order of NVML's own numbers: clocks graphics, SM, memory, video; temperature
 * thresholds shutdown, slowdown, memory, GPU; PCIe traffic sent, received. */
static Return give_item(const Json *list, unsigned index, unsigned *out) {
    const Json *item = json_at(list, index);
    if (!item || item->kind == JSON_NULL) return NOT_SUPPORTED;
    *out = (unsigned)item->number;
    return SUCCESS;
}

#define ITEM(function, key) \
    EXPORT Return function(const Device *device, unsigned which, unsigned *out) { ANSWER_ABOUT(device, give_item(json_get(it, key), which, out)); }
ITEM(nvmlDeviceGetClockInfo, "clocks_mhz")
ITEM(nvmlDeviceGetMaxClockInfo, "max_clocks_mhz")
ITEM(nvmlDeviceGetTemperatureThreshold, "temperature_thresholds")
ITEM(nvmlDeviceGetPcieThroughput, "pcie_kb_per_s")

EXPORT Return nvmlDeviceGetDriverModel_v2(const Device *device, unsigned *current, unsigned *pending) {
    ANSWER_ABOUT(device, give_both(it, "driver_model", current, pending));
}

/* --- Health --------------------------------------------------------------------------- */

EXPORT Return nvmlDeviceGetEccMode(const Device *device, unsigned *current, unsigned *pending) {
    ANSWER_ABOUT(device, give_both(json_get(it, "ecc"), "enabled", current, pending));
}

EXPORT Return nvmlDeviceGetTotalEccErrors(const Device *device, unsigned error, unsigned counter, unsigned long long *out) {
    static const char *const names[2][2] = {{"corrected_volatile", "corrected_aggregate"},
                                            {"uncorrected_volatile", "uncorrected_aggregate"}};
    if (error > 1 || counter > 1) return INVALID_ARGUMENT;
    ANSWER_ABOUT(device, give_long(json_get(it, "ecc"), names[error][counter], out));
}

static Return give_remapped(const Json *rows, unsigned *corrected, unsigned *uncorrected, unsigned *pending, unsigned *failure) {
    if (!rows) return NOT_SUPPORTED;
    *corrected = (unsigned)amount(rows, "corrected");
    *uncorrected = (unsigned)amount(rows, "uncorrected");
    *pending = (unsigned)amount(rows, "pending");
    *failure = (unsigned)amount(rows, "failure");
    return SUCCESS;
}

EXPORT Return nvmlDeviceGetRemappedRows(const Device *device, unsigned *corrected, unsigned *uncorrected, unsigned *pending,
                                        unsigned *failure) {
    ANSWER_ABOUT(device, give_remapped(json_get(it, "remapped"), corrected, uncorrected, pending, failure));
}

typedef struct {
    unsigned field, scope;
    long long timestamp_us, latency_us;
    unsigned type, answer;
    unsigned long long value;
} FieldValue;

static Return give_fields(const Json *fields, unsigned count, FieldValue *values) {
    enum { UNSIGNED_LONG_LONG = 3 };
    for (FieldValue *value = values; value < values + count; value++) {
        char key[16];
        snprintf(key, sizeof key, "%u", value->field);
        value->type = UNSIGNED_LONG_LONG;
        value->answer = give_long(fields, key, &value->value);
    }
    return SUCCESS;
}

EXPORT Return nvmlDeviceGetFieldValues(const Device *device, int count, FieldValue *values) {
    ANSWER_ABOUT(device, give_fields(json_get(it, "fields"), count > 0 ? (unsigned)count : 0, values));
}

/* --- MIG ------------------------------------------------------------------------------ */

EXPORT Return nvmlDeviceGetMigMode(const Device *device, unsigned *current, unsigned *pending) {
    ANSWER_ABOUT(device, device->mig ? INVALID_ARGUMENT : give_both(json_get(it, "mig"), "mode", current, pending));
}
EXPORT Return nvmlDeviceGetMaxMigDeviceCount(const Device *device, unsigned *out) {
    ANSWER_ABOUT(device, (*out = json_get(it, "mig") ? MOST_MIG - 1 : 0, SUCCESS));
}
EXPORT Return nvmlDeviceGetMigDeviceHandleByIndex(const Device *device, unsigned index, const Device **out) {
    ANSWER_ABOUT(device, index < MOST_MIG && json_at(mig_list(it), index) ? give_handle(&devices[device->gpu][1 + index], out) : NOT_FOUND);
}
EXPORT Return nvmlDeviceGetDeviceHandleFromMigDeviceHandle(const Device *device, const Device **out) {
    ANSWER_ABOUT(device, device->mig ? give_handle(&devices[device->gpu][0], out) : INVALID_ARGUMENT);
}
EXPORT Return nvmlDeviceIsMigDeviceHandle(const Device *device, unsigned *out) { ANSWER_ABOUT(device, (*out = device->mig > 0, SUCCESS)); }

typedef struct {
    unsigned multiprocessors, copy_engines, decoders, encoders, jpegs, optical_flows, gpu_slices, compute_slices;
    unsigned long long memory_mb;
} Attributes;

static Return give_attributes(const Json *mig, Attributes *out) {
    if (!json_get(mig, "gi")) return NOT_SUPPORTED;
    unsigned slices = (unsigned)amount(mig, "slices");
    *out = (Attributes){.multiprocessors = slices * 14, .gpu_slices = slices, .compute_slices = slices, .memory_mb = amount(mig, "memory_total") >> 20};
    return SUCCESS;
}

EXPORT Return nvmlDeviceGetAttributes_v2(const Device *device, Attributes *out) { ANSWER_ABOUT(device, give_attributes(it, out)); }

/* --- Topology ------------------------------------------------------------------------- */

EXPORT Return nvmlDeviceGetTopologyCommonAncestor(const Device *device, const Device *other, unsigned *out) {
    if (!is_device(other)) return INVALID_ARGUMENT;
    ANSWER_ABOUT(device, give_item(json_get(gpu, "topology"), (unsigned)other->gpu, out));
}

static Return give_link(const Json *peer, unsigned *active) {
    if (!peer) return NOT_SUPPORTED;
    *active = peer->kind == JSON_TEXT;
    return SUCCESS;
}

/* `nvlinks` lists the bus id at the other end of each link, null for a link that is down. */
EXPORT Return nvmlDeviceGetNvLinkState(const Device *device, unsigned link, unsigned *active) {
    ANSWER_ABOUT(device, give_link(json_at(json_get(gpu, "nvlinks"), link), active));
}
EXPORT Return nvmlDeviceGetNvLinkRemotePciInfo_v2(const Device *device, unsigned link, Pci *out) {
    ANSWER_ABOUT(device, give_pci(json_at(json_get(gpu, "nvlinks"), link), out));
}

/* --- Processes ------------------------------------------------------------------------ */

#define PROCESSES(kind, letter)                                                                                        \
    EXPORT Return nvmlDeviceGet##kind##RunningProcesses(const Device *device, unsigned *count, void *rows) {           \
        ANSWER_ABOUT(device, give_processes(gpu, it, letter, count, rows, true));                                      \
    }                                                                                                                  \
    EXPORT Return nvmlDeviceGet##kind##RunningProcesses_v2(const Device *device, unsigned *count, void *rows) {        \
        ANSWER_ABOUT(device, give_processes(gpu, it, letter, count, rows, false));                                     \
    }                                                                                                                  \
    EXPORT Return nvmlDeviceGet##kind##RunningProcesses_v3(const Device *device, unsigned *count, void *rows) {        \
        ANSWER_ABOUT(device, give_processes(gpu, it, letter, count, rows, false));                                     \
    }
PROCESSES(Compute, 'C')
PROCESSES(Graphics, 'G')
PROCESSES(MPSCompute, 'M')

EXPORT Return nvmlDeviceGetProcessUtilization(const Device *device, Sample *rows, unsigned *count, unsigned long long since) {
    (void)since; /* the samples are always of this moment */
    ANSWER_ABOUT(device, give_samples(it, rows, count));
}

/* --- Events --------------------------------------------------------------------------- */

typedef struct {
    unsigned long long types[MOST_GPUS]; /* registered for, a bit mask */
    unsigned long long seen[MOST_GPUS];  /* the highest `seq` that was there or was told */
} EventSet;

typedef struct {
    const Device *device;
    unsigned long long type, data;
    unsigned gpu_instance, compute_instance;
} Event;

EXPORT Return nvmlEventSetCreate(EventSet **out) { ANSWER((*out = calloc(1, sizeof(EventSet))) ? SUCCESS : MEMORY); }
EXPORT Return nvmlEventSetFree(EventSet *set) { ANSWER((free(set), SUCCESS)); }

static Return listen(const Device *device, const Json *gpu, unsigned long long types, EventSet *set) {
    const Json *events = json_get(gpu, "events");
    set->types[device->gpu] |= types;
    for (const Json *event = events ? events->first : NULL; event; event = event->next)
        if (amount(event, "seq") > set->seen[device->gpu]) set->seen[device->gpu] = amount(event, "seq");
    return SUCCESS;
}

EXPORT Return nvmlDeviceRegisterEvents(const Device *device, unsigned long long types, EventSet *set) {
    ANSWER_ABOUT(device, listen(device, gpu, types, set));
}

static bool next_event(EventSet *set, int index, Event *out) {
    const Json *events = json_get(gpu_of(&devices[index][0]), "events");
    for (const Json *event = events ? events->first : NULL; event; event = event->next) {
        if (amount(event, "seq") <= set->seen[index] || !(amount(event, "type") & set->types[index])) continue;
        set->seen[index] = amount(event, "seq");
        *out = (Event){&devices[index][0], amount(event, "type"), amount(event, "data"), NO_INSTANCE, NO_INSTANCE};
        return true;
    }
    return false;
}

/* What happened is told before that a GPU is gone. */
static Return look_for_event(EventSet *set, Event *out) {
    for (int index = 0; index < MOST_GPUS; index++)
        if (set->types[index] && next_event(set, index, out)) return SUCCESS;
    for (int index = 0; index < MOST_GPUS; index++)
        if (set->types[index] && (!gpu_of(&devices[index][0]) || flag(gpu_of(&devices[index][0]), "lost"))) return GPU_IS_LOST;
    return TIMEOUT;
}

EXPORT Return nvmlEventSetWait_v2(EventSet *set, Event *out, unsigned timeout_ms) {
    long long deadline = milliseconds_now() + timeout_ms;
    Return refused = begin(__func__, NULL);
    Return answer = finish(refused ? refused : look_for_event(set, out));
    while (answer == TIMEOUT && milliseconds_now() < deadline) {
        sleep_ms(EVENT_LOOK_MS);
        pthread_mutex_lock(&lock);
        reload();
        answer = finish(look_for_event(set, out));
    }
    return answer;
}
