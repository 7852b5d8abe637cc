/* An emulated libnvidia-ml.so.1: NVIDIA's management library without a GPU.
 *
 * It answers from a JSON file, which machine.py writes and whose fields carry the names used
 * below; a field that is missing or null is something that the card does not support. The
 * file is FAKE_NVML_CONFIG. Without that variable we are inside a container, where the state
 * is mounted at a fixed place and, as with the real library, a GPU is seen only if its device
 * file is there. No file at all is a driver that is not loaded. FAKE_NVML_TRACE names a file
 * that gets each call's name.
 *
 * Source of layouts and answers: https://docs.nvidia.com/deploy/nvml-api/
 */
#include "holders.h"

#define EXPORT __attribute__((visibility("default")))

enum { EVENT_LOOK_MS = 20, MEMORY_V2 = 0x02000028, TEMPERATURE_V1 = 0x0100000c };

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

/* Whoever shuts down is gone, whatever else happened meanwhile. */
EXPORT Return nvmlShutdown(void) {
    Return refused = begin(__func__, NULL);
    if (users) users--;
    return finish(refused);
}

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

EXPORT Return nvmlSystemGetDriverVersion(char *out, unsigned size) {
    ANSWER(give_text(state.root, "driver_version", out, size));
}
EXPORT Return nvmlSystemGetNVMLVersion(char *out, unsigned size) {
    ANSWER(give_text(state.root, "nvml_version", out, size));
}
EXPORT Return nvmlSystemGetCudaDriverVersion(int *out) {
    ANSWER(give_unsigned(state.root, "cuda_version", (unsigned *)out));
}
EXPORT Return nvmlSystemGetCudaDriverVersion_v2(int *out) {
    ANSWER(give_unsigned(state.root, "cuda_version", (unsigned *)out));
}

EXPORT Return nvmlDeviceGetCount_v2(unsigned *count) {
    ANSWER((*count = json_length(json_get(state.root, "gpus")), SUCCESS));
}

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

EXPORT Return nvmlDeviceGetHandleByUUID(const char *uuid, const Device **out) {
    ANSWER(give_found(find("uuid", uuid), out));
}
EXPORT Return nvmlDeviceGetHandleByPciBusId_v2(const char *id, const Device **out) {
    ANSWER(give_found(find("bus_id", id), out));
}
EXPORT Return nvmlDeviceGetIndex(const Device *device, unsigned *out) {
    ANSWER_ABOUT(device, (*out = (unsigned)(device->mig ? device->mig - 1 : device->gpu), SUCCESS));
}

/* --- Plain properties ----------------------------------------------------------------- */

#define UNSIGNED(function, key)                                   \
    EXPORT Return function(const Device *device, unsigned *out) { \
        ANSWER_ABOUT(device, give_unsigned(it, key, out));        \
    }
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
UNSIGNED(nvmlDeviceGetRetiredPagesPendingStatus, "retired_pages_pending")

#define LONG(function, key)                                                 \
    EXPORT Return function(const Device *device, unsigned long long *out) { \
        ANSWER_ABOUT(device, give_long(it, key, out));                      \
    }
LONG(nvmlDeviceGetTotalEnergyConsumption, "energy_mj")
LONG(nvmlDeviceGetCurrentClocksEventReasons, "clocks_event_reasons")
LONG(nvmlDeviceGetCurrentClocksThrottleReasons, "clocks_event_reasons")
LONG(nvmlDeviceGetSupportedEventTypes, "event_types")

#define TEXT(function, key)                                                  \
    EXPORT Return function(const Device *device, char *out, unsigned size) { \
        ANSWER_ABOUT(device, give_text(it, key, out, size));                 \
    }
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
    snprintf(pci.bus_id_short, sizeof pci.bus_id_short, "%04X:%02X:%02X.0", pci.domain & 0xffff,
             pci.bus & 0xff, pci.device & 0xff);
    pci.device_id = 0x20b010de;
    *out = pci;
    return SUCCESS;
}

EXPORT Return nvmlDeviceGetPciInfo_v3(const Device *device, Pci *out) {
    ANSWER_ABOUT(device, give_pci(json_get(it, "bus_id"), out));
}

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

EXPORT Return nvmlDeviceGetMemoryInfo(const Device *device, MemoryInfo *out) {
    ANSWER_ABOUT(device, give_memory(gpu, it, out));
}
EXPORT Return nvmlDeviceGetMemoryInfo_v2(const Device *device, MemoryInfoV2 *out) {
    ANSWER_ABOUT(device, give_memory_v2(gpu, it, out));
}

static Return give_bar1(const Json *it, MemoryInfo *out) {
    if (!json_get(it, "bar1_total")) return NOT_SUPPORTED;
    unsigned long long total = amount(it, "bar1_total"), used = amount(it, "bar1_used");
    *out = (MemoryInfo){total, total - used, used};
    return SUCCESS;
}

EXPORT Return nvmlDeviceGetBAR1MemoryInfo(const Device *device, MemoryInfo *out) {
    ANSWER_ABOUT(device, give_bar1(it, out));
}

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
EXPORT Return nvmlDeviceGetTemperatureV(const Device *device, Temperature *out) {
    ANSWER_ABOUT(device, give_temperature_v(it, out));
}

/* Lists in the order of NVML's own numbers: clocks graphics, SM, memory, video; temperature
 * thresholds shutdown, slowdown, memory, GPU; PCIe traffic sent, received. */
static Return give_item(const Json *list, unsigned index, unsigned *out) {
    const Json *item = json_at(list, index);
    if (!item || item->kind == JSON_NULL) return NOT_SUPPORTED;
    *out = (unsigned)item->number;
    return SUCCESS;
}

#define ITEM(function, key)                                                       \
    EXPORT Return function(const Device *device, unsigned which, unsigned *out) { \
        ANSWER_ABOUT(device, give_item(json_get(it, key), which, out));           \
    }
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

EXPORT Return nvmlDeviceGetTotalEccErrors(const Device *device, unsigned error, unsigned counter,
                                          unsigned long long *out) {
    static const char *const names[2][2] = {{"corrected_volatile", "corrected_aggregate"},
                                            {"uncorrected_volatile", "uncorrected_aggregate"}};
    if (error > 1 || counter > 1) return INVALID_ARGUMENT;
    ANSWER_ABOUT(device, give_long(json_get(it, "ecc"), names[error][counter], out));
}

static Return give_remapped(const Json *rows, unsigned *corrected, unsigned *uncorrected, unsigned *pending,
                            unsigned *failure) {
    if (!rows) return NOT_SUPPORTED;
    *corrected = (unsigned)amount(rows, "corrected");
    *uncorrected = (unsigned)amount(rows, "uncorrected");
    *pending = (unsigned)amount(rows, "pending");
    *failure = (unsigned)amount(rows, "failure");
    return SUCCESS;
}

EXPORT Return nvmlDeviceGetRemappedRows(const Device *device, unsigned *corrected, unsigned *uncorrected,
                                        unsigned *pending, unsigned *failure) {
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
    ANSWER_ABOUT(device,
                 device->mig ? INVALID_ARGUMENT : give_both(json_get(it, "mig"), "mode", current, pending));
}
EXPORT Return nvmlDeviceGetMaxMigDeviceCount(const Device *device, unsigned *out) {
    ANSWER_ABOUT(device, (*out = json_get(it, "mig") ? MOST_MIG - 1 : 0, SUCCESS));
}
EXPORT Return nvmlDeviceGetMigDeviceHandleByIndex(const Device *device, unsigned index, const Device **out) {
    ANSWER_ABOUT(device, index < MOST_MIG && json_at(mig_list(it), index)
                             ? give_handle(&devices[device->gpu][1 + index], out)
                             : NOT_FOUND);
}
EXPORT Return nvmlDeviceGetDeviceHandleFromMigDeviceHandle(const Device *device, const Device **out) {
    ANSWER_ABOUT(device, device->mig ? give_handle(&devices[device->gpu][0], out) : INVALID_ARGUMENT);
}
EXPORT Return nvmlDeviceIsMigDeviceHandle(const Device *device, unsigned *out) {
    ANSWER_ABOUT(device, (*out = device->mig > 0, SUCCESS));
}

typedef struct {
    unsigned multiprocessors, copy_engines, decoders, encoders, jpegs, optical_flows, gpu_slices,
        compute_slices;
    unsigned long long memory_mb;
} Attributes;

static Return give_attributes(const Json *mig, Attributes *out) {
    if (!json_get(mig, "gi")) return NOT_SUPPORTED;
    unsigned slices = (unsigned)amount(mig, "slices");
    *out = (Attributes){.multiprocessors = slices * 14,
                        .gpu_slices = slices,
                        .compute_slices = slices,
                        .memory_mb = amount(mig, "memory_total") >> 20};
    return SUCCESS;
}

EXPORT Return nvmlDeviceGetAttributes_v2(const Device *device, Attributes *out) {
    ANSWER_ABOUT(device, give_attributes(it, out));
}

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

typedef struct {
    unsigned pid;
    unsigned long long memory;
} ProcessV1;

_Static_assert(sizeof(Process) == 24 && sizeof(ProcessV1) == 16, "rows as NVML lays them out");

static Return give_processes(const Json *gpu, const Json *it, char type, unsigned *count, void *rows,
                             bool first_version) {
    const Processes *all = processes_of(gpu, it, type);
    unsigned room = *count;
    *count = all->count;
    if (all->count && (!rows || room < all->count)) return INSUFFICIENT_SIZE;
    for (unsigned i = 0; i < all->count; i++)
        if (first_version) ((ProcessV1 *)rows)[i] = (ProcessV1){all->rows[i].pid, all->rows[i].memory};
        else ((Process *)rows)[i] = all->rows[i];
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
            rows[found] = (Sample){instance(process, "pid"),
                                   now.tv_sec * 1000000ULL + (unsigned long long)now.tv_nsec / 1000,
                                   (unsigned)amount(process, "sm"),
                                   (unsigned)amount(process, "mem"),
                                   0,
                                   0};
        found++;
    }
    *count = found;
    if (!found) return NOT_FOUND;
    return rows && found <= room ? SUCCESS : INSUFFICIENT_SIZE;
}

#define PROCESSES(kind, letter)                                                                              \
    EXPORT Return nvmlDeviceGet##kind##RunningProcesses(const Device *device, unsigned *count, void *rows) { \
        ANSWER_ABOUT(device, give_processes(gpu, it, letter, count, rows, true));                            \
    }                                                                                                        \
    EXPORT Return nvmlDeviceGet##kind##RunningProcesses_v2(const Device *device, unsigned *count,            \
                                                           void *rows) {                                     \
        ANSWER_ABOUT(device, give_processes(gpu, it, letter, count, rows, false));                           \
    }                                                                                                        \
    EXPORT Return nvmlDeviceGet##kind##RunningProcesses_v3(const Device *device, unsigned *count,            \
                                                           void *rows) {                                     \
        ANSWER_ABOUT(device, give_processes(gpu, it, letter, count, rows, false));                           \
    }
PROCESSES(Compute, 'C')
PROCESSES(Graphics, 'G')
PROCESSES(MPSCompute, 'M')

EXPORT Return nvmlDeviceGetProcessUtilization(const Device *device, Sample *rows, unsigned *count,
                                              unsigned long long since) {
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

EXPORT Return nvmlEventSetCreate(EventSet **out) {
    ANSWER((*out = calloc(1, sizeof(EventSet))) ? SUCCESS : MEMORY);
}
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
        if (amount(event, "seq") <= set->seen[index] || !(amount(event, "type") & set->types[index]))
            continue;
        set->seen[index] = amount(event, "seq");
        *out = (Event){&devices[index][0], amount(event, "type"), amount(event, "data"),
                       instance(event, "gi"), instance(event, "ci")};
        return true;
    }
    return false;
}

/* What happened is told before that a GPU is gone. */
static Return look_for_event(EventSet *set, Event *out) {
    for (int index = 0; index < MOST_GPUS; index++)
        if (set->types[index] && next_event(set, index, out)) return SUCCESS;
    for (int index = 0; index < MOST_GPUS; index++)
        if (set->types[index] && (!gpu_of(&devices[index][0]) || flag(gpu_of(&devices[index][0]), "lost")))
            return GPU_IS_LOST;
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
