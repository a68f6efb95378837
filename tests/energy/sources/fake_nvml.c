/* A libnvidia-ml.so.1 whose answers a test writes into the file that FAKE_NVML names.
 *
 * Each line is "key value". Keys: gpus, gpuN.FACT and gpuN.sliceM.FACT, where FACT is one of uuid,
 * name, energy_mj, energy_mw (watts that the counter goes on by), power_mw, instant_mw, pids (joined
 * by commas, - for none). A value of !15 answers with error 15; a key that is missing answers "not
 * supported". The file is read anew at each call. Handles and initialisation are those of one
 * process: a forked child that does not initialise again gets errors.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { SUCCESS, UNINITIALIZED, INVALID, NOT_SUPPORTED, NOT_FOUND = 6, INSUFFICIENT_SIZE = 7 };
enum { PLACES = 7, POWER_INSTANT = 186, UNSIGNED_INT = 1 };

/* The layouts of nvml.h. */
typedef struct { unsigned pid; unsigned long long memory; unsigned gpu_instance, compute_instance; } Process;
typedef struct {
    unsigned field, scope;
    long long timestamp, latency_us;
    unsigned type, result;
    union { double d; unsigned ui; unsigned long long ull; } value;
} Field;
/* A handle: the process, the GPU and the slice of it (0 for the whole). */
typedef uintptr_t Handle;

static pid_t initialised_by;
static struct timespec started;

static Handle handle_of(unsigned gpu, unsigned slice) {
    return ((Handle)getpid() << 16) | ((Handle)(gpu + 1) << 8) | slice;
}
static unsigned gpu_of(Handle handle) { return ((handle >> 8) & 0xff) - 1; }
static unsigned slice_of(Handle handle) { return handle & 0xff; }

static int ask(const char *key, char value[256]) {
    char line_key[128];
    int result = NOT_SUPPORTED;
    FILE *file = fopen(getenv("FAKE_NVML"), "r");
    if (initialised_by != getpid()) result = UNINITIALIZED;
    else while (result == NOT_SUPPORTED && fscanf(file, "%127s %255[^\n]", line_key, value) == 2)
        if (strcmp(line_key, key) == 0) result = value[0] == '!' ? atoi(value + 1) : SUCCESS;
    fclose(file);
    return result;
}

static int ask_about(Handle handle, const char *fact, char value[256]) {
    char key[128];
    if ((pid_t)(handle >> 16) != getpid()) return INVALID;
    if (slice_of(handle))
        snprintf(key, sizeof key, "gpu%u.slice%u.%s", gpu_of(handle), slice_of(handle) - 1, fact);
    else
        snprintf(key, sizeof key, "gpu%u.%s", gpu_of(handle), fact);
    return ask(key, value);
}

static int number(Handle handle, const char *fact, unsigned long long *answer) {
    char value[256];
    int result = ask_about(handle, fact, value);
    if (result == SUCCESS) *answer = strtoull(value, NULL, 10);
    return result;
}

static int text(Handle handle, const char *fact, char *answer, unsigned length) {
    char value[256];
    int result = ask_about(handle, fact, value);
    if (result == SUCCESS) snprintf(answer, length, "%s", value);
    return result;
}

int nvmlInitWithFlags(unsigned flags) {
    char value[256];
    (void)flags;
    if (!initialised_by) clock_gettime(CLOCK_MONOTONIC, &started);
    initialised_by = getpid();
    return ask("gpus", value);
}
int nvmlInit_v2(void) { return nvmlInitWithFlags(0); }
int nvmlShutdown(void) { initialised_by = -1; return SUCCESS; }
const char *nvmlErrorString(int error) { return error == 15 ? "GPU is lost" : "fake error"; }

int nvmlDeviceGetCount_v2(unsigned *count) {
    char value[256];
    int result = ask("gpus", value);
    if (result == SUCCESS) *count = strtoul(value, NULL, 10);
    return result;
}

int nvmlDeviceGetHandleByIndex_v2(unsigned index, Handle *handle) {
    *handle = handle_of(index, 0);
    return SUCCESS;
}

int nvmlDeviceGetHandleByUUID(const char *uuid, Handle *handle) {
    unsigned count = 0;
    int result = nvmlDeviceGetCount_v2(&count);
    for (unsigned gpu = 0; result == SUCCESS && gpu < count; gpu++)
        for (unsigned slice = 0; slice <= PLACES; slice++) {
            char value[256];
            *handle = handle_of(gpu, slice);
            if (ask_about(*handle, "uuid", value) == SUCCESS && strcmp(value, uuid) == 0)
                return SUCCESS;
        }
    return result == SUCCESS ? NOT_FOUND : result;
}

int nvmlDeviceGetUUID(Handle handle, char *uuid, unsigned length) {
    return text(handle, "uuid", uuid, length);
}
int nvmlDeviceGetName(Handle handle, char *name, unsigned length) {
    return text(handle, "name", name, length);
}

int nvmlDeviceGetTotalEnergyConsumption(Handle handle, unsigned long long *energy_mj) {
    unsigned long long power_mw = 0;
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    number(handle, "energy_mw", &power_mw);
    int result = number(handle, "energy_mj", energy_mj);
    double s = (now.tv_sec - started.tv_sec) + 1e-9 * (now.tv_nsec - started.tv_nsec);
    if (result == SUCCESS) *energy_mj += (unsigned long long)(s * power_mw);
    return result;
}

int nvmlDeviceGetPowerUsage(Handle handle, unsigned *power_mw) {
    unsigned long long answer = 0;
    int result = number(handle, "power_mw", &answer);
    *power_mw = answer;
    return result;
}

int nvmlDeviceGetFieldValues(Handle handle, int count, Field *fields) {
    for (int i = 0; i < count; i++) {
        unsigned long long answer = 0;
        int known = fields[i].field == POWER_INSTANT;
        fields[i].result = known ? number(handle, "instant_mw", &answer) : NOT_SUPPORTED;
        fields[i].type = UNSIGNED_INT;
        fields[i].value.ui = answer;
    }
    return SUCCESS;
}

int nvmlDeviceGetComputeRunningProcesses_v3(Handle handle, unsigned *count, Process *processes) {
    char value[256];
    unsigned found = 0, room = *count;
    int result = ask_about(handle, "pids", value);
    if (result != SUCCESS) return result;
    for (char *pid = strtok(value, ",-"); pid; pid = strtok(NULL, ","), found++)
        if (processes && found < room)
            processes[found] = (Process){.pid = strtoul(pid, NULL, 10)};
    *count = found;
    return found > room ? INSUFFICIENT_SIZE : SUCCESS;
}

int nvmlDeviceGetMaxMigDeviceCount(Handle handle, unsigned *count) {
    (void)handle;
    *count = PLACES;
    return SUCCESS;
}

int nvmlDeviceGetMigDeviceHandleByIndex(Handle handle, unsigned index, Handle *slice) {
    char value[256];
    *slice = handle_of(gpu_of(handle), index + 1);
    return ask_about(*slice, "uuid", value) == SUCCESS ? SUCCESS : NOT_FOUND;
}

int nvmlDeviceGetDeviceHandleFromMigDeviceHandle(Handle slice, Handle *handle) {
    *handle = handle_of(gpu_of(slice), 0);
    return slice_of(slice) ? SUCCESS : NOT_FOUND;
}
