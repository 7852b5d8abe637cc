/* Who uses a GPU: the processes that the state names, and those that hold a device file open.
 *
 * A process that holds /dev/nvidia<minor> open is a compute process of that GPU, with the
 * memory that its own environment names in FAKE_GPU_MEMORY_MB; /dev/nvidia-caps/nvidia-cap<n>
 * does the same for a MIG instance.
 */
#include <ctype.h>
#include <dirent.h>
#include <limits.h>

#include "state.h"

enum { MOST_HOLDERS = 1024, SCAN_KEPT_MS = 200 };
static const unsigned NO_INSTANCE = UINT_MAX;
static const unsigned long long UNKNOWN = ULLONG_MAX;

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
    if (holder_count < MOST_HOLDERS)
        holders[holder_count++] = (Holder){number, minor, cap, memory_named_by(pid)};
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
        if (sscanf(target, "/dev/nvidia%d%n", &number, &end) == 1 && end == length)
            note_holder(pid, number, -1);
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
    return !gi ||
           (instance(process, "gi") == (unsigned)gi->number && instance(process, "ci") == instance(it, "ci"));
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
            add(&all, instance(process, "pid"),
                json_get(process, "memory") ? amount(process, "memory") : UNKNOWN, process);
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
