/* A libnvidia-ml.so.1 with two GPUs: as a driver answers pynvml, without one. The second tells neither use nor power. */
#include <string.h>

#define NOT_SUPPORTED 3
#define INSUFFICIENT_SIZE 7
#define GIB (1ULL << 30)

typedef struct { unsigned int version; unsigned long long total, reserved, free, used; } memory_v2;
typedef struct { unsigned int gpu, memory; } utilization;
typedef struct { unsigned int pid; unsigned long long used; unsigned int instance, compute; } process;

extern int getpid(void);
static int gpus[2] = {0, 1};

int nvmlInitWithFlags(unsigned int flags) { return 0; }
int nvmlShutdown(void) { return 0; }
const char *nvmlErrorString(int code) { return "an error"; }
int nvmlDeviceGetCount_v2(unsigned int *count) { *count = 2; return 0; }
int nvmlDeviceGetHandleByIndex_v2(unsigned int index, void **handle) { *handle = &gpus[index]; return 0; }
int nvmlDeviceGetName(void *handle, char *name, unsigned int length) {
    strncpy(name, *(int *)handle ? "Small GPU" : "Large GPU", length);
    return 0;
}
int nvmlDeviceGetMemoryInfo_v2(void *handle, memory_v2 *memory) {
    memory->total = *(int *)handle ? 8 * GIB : 80 * GIB;
    memory->used = *(int *)handle ? 1 * GIB : 20 * GIB;
    return 0;
}
int nvmlDeviceGetUtilizationRates(void *handle, utilization *rates) {
    rates->gpu = 75;
    return *(int *)handle ? NOT_SUPPORTED : 0;
}
int nvmlDeviceGetTemperature(void *handle, int sensor, unsigned int *celsius) { *celsius = 61; return 0; }
int nvmlDeviceGetPowerUsage(void *handle, unsigned int *milliwatts) {
    *milliwatts = 312500;
    return *(int *)handle ? NOT_SUPPORTED : 0;
}
int nvmlDeviceGetComputeRunningProcesses_v3(void *handle, unsigned int *count, process *processes) {
    if (*(int *)handle) { *count = 0; return 0; }
    if (*count < 1) { *count = 1; return INSUFFICIENT_SIZE; }
    *count = 1;
    processes[0].pid = getpid();
    processes[0].used = 5 * GIB;
    return 0;
}
int nvmlDeviceGetGraphicsRunningProcesses_v3(void *handle, unsigned int *count, process *processes) {
    return nvmlDeviceGetComputeRunningProcesses_v3(handle, count, processes);
}
