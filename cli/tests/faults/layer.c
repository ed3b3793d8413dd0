// A Vulkan layer that makes a sound driver fail, for tests: vkQueueSubmit loses the device, vkAllocateMemory is out of
// memory, vkCreateComputePipelines cannot compile, and what vkCmdCopyBuffer brings to the host, or from one place on the
// GPU to another, is NaN.
// Build: cc -shared -fPIC -o layer.so layer.c
//
//   FAULTY_SUBMISSIONS=3,9   the third and the ninth submission of the process lose their device
//   FAULTY_ALLOCATIONS=7     so do allocations ...
//   FAULTY_PIPELINES=1       ... and pipelines
//   FAULTY_READINGS=2        the second copy into a buffer that is there to be read is one of NaN
//   FAULTY_COPIES=5          so is the fifth copy that neither comes from the host nor goes there
//   FAULTY_COUNTS=FILE       at the end FILE says how many there were of each
//
// What it needs of Vulkan's headers is declared here.
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EXPORT __attribute__((visibility("default")))

enum { SUCCESS = 0, OUT_OF_DEVICE_MEMORY = -2, INITIALIZATION_FAILED = -3, DEVICE_LOST = -4, INVALID_SHADER = -1000012000 };
enum { LOADER_INSTANCE_CREATE_INFO = 47, LOADER_DEVICE_CREATE_INFO = 48, LINK_INFO = 0 };

typedef int32_t Result;
typedef void (*Function)(void);
typedef Function (*Lookup)(void *object, const char *name);

typedef struct Link {
    struct Link *next;
    Lookup of_instance;
    Lookup of_device; // Of an instance's link: a lookup for physical devices.
} Link;

typedef struct LoaderInfo {
    int32_t type;
    const struct LoaderInfo *next;
    int32_t function;
    Link *link;
} LoaderInfo;

typedef struct {
    int32_t type;
    void *next;
    uint32_t version;
    Lookup of_instance, of_device, of_physical_device;
} Negotiation;

typedef struct {
    const char *variable;
    atomic_int calls;
} Fault;

static Fault submissions = {"FAULTY_SUBMISSIONS", 0};
static Fault allocations = {"FAULTY_ALLOCATIONS", 0};
static Fault pipelines = {"FAULTY_PIPELINES", 0};
static Fault readings = {"FAULTY_READINGS", 0};
static Fault copies = {"FAULTY_COPIES", 0};

static void *known_instance;
static Lookup instance_lookup, device_lookup;
static Result (*submit)(void *, uint32_t, const void *, uint64_t);
static Result (*allocate)(void *, const void *, const void *, uint64_t *);
static Result (*make_buffer)(void *, const void *, const void *, uint64_t *);
static void (*unmake_buffer)(void *, uint64_t, const void *);
static void (*copy)(void *, uint64_t, uint64_t, uint32_t, const void *);
static void (*fill)(void *, uint64_t, uint64_t, uint64_t, uint32_t);
static Result (*compile)(void *, uint64_t, uint32_t, const void *, const void *, uint64_t *);

// Whether this call is one of those that shall fail.
static int fails(Fault *fault) {
    int number = atomic_fetch_add(&fault->calls, 1) + 1;
    const char *list = getenv(fault->variable);
    while (list && *list) {
        char *end;
        if (strtol(list, &end, 10) == number) return 1;
        list = *end == ',' ? end + 1 : NULL;
    }
    return 0;
}

__attribute__((destructor)) static void tell_counts(void) {
    const char *path = getenv("FAULTY_COUNTS");
    FILE *file = path ? fopen(path, "w") : NULL;
    if (!file) return;
    fprintf(file, "%d %d %d %d %d\n", submissions.calls, allocations.calls, pipelines.calls, readings.calls, copies.calls);
    fclose(file);
}

static Result faulty_submit(void *queue, uint32_t count, const void *infos, uint64_t fence) {
    return fails(&submissions) ? DEVICE_LOST : submit(queue, count, infos, fence);
}

static Result faulty_allocate(void *device, const void *info, const void *allocator, uint64_t *memory) {
    return fails(&allocations) ? OUT_OF_DEVICE_MEMORY : allocate(device, info, allocator, memory);
}

static Result faulty_compile(void *device, uint64_t cache, uint32_t count, const void *infos, const void *allocator,
                             uint64_t *made) {
    if (!fails(&pipelines)) return compile(device, cache, count, infos, allocator, made);
    memset(made, 0, count * sizeof *made);
    return INVALID_SHADER;
}

// Buffers that can only be copied from or into: the host writes or reads them.
enum { TRANSFER_SOURCE = 1, TRANSFER_DESTINATION = 2, MOST_BUFFERS = 4096 };
static _Atomic uint64_t host_buffers[MOST_BUFFERS];

typedef struct {
    int32_t type;
    const void *next;
    uint32_t flags;
    uint64_t size;
    uint32_t usage;
} BufferInfo;

typedef struct {
    uint64_t source, destination, size;
} Region;

// The place of a buffer among those of the host, or NULL.
static _Atomic uint64_t *find_buffer(uint64_t buffer) {
    for (int i = 0; i < MOST_BUFFERS; i++)
        if (host_buffers[i] == buffer) return &host_buffers[i];
    return NULL;
}

static Result faulty_make_buffer(void *device, const void *info, const void *allocator, uint64_t *buffer) {
    Result result = make_buffer(device, info, allocator, buffer);
    uint32_t usage = ((const BufferInfo *)info)->usage;
    int is_hosts = usage == TRANSFER_SOURCE || usage == TRANSFER_DESTINATION;
    for (int i = 0; result == SUCCESS && is_hosts && i < MOST_BUFFERS; i++) {
        uint64_t none = 0;
        if (atomic_compare_exchange_strong(&host_buffers[i], &none, *buffer)) break;
    }
    return result;
}

static void faulty_unmake_buffer(void *device, uint64_t buffer, const void *allocator) {
    _Atomic uint64_t *place = buffer ? find_buffer(buffer) : NULL;
    if (place) *place = 0;
    unmake_buffer(device, buffer, allocator);
}

static void faulty_copy(void *commands, uint64_t source, uint64_t destination, uint32_t count, const void *regions) {
    // What the host writes is as it should be.
    Fault *fault = find_buffer(destination) ? &readings : find_buffer(source) ? NULL : &copies;
    if (!fault || !fails(fault)) {
        copy(commands, source, destination, count, regions);
        return;
    }
    const Region *region = regions;
    for (uint32_t i = 0; i < count; i++) fill(commands, destination, region[i].destination, region[i].size, 0x7FC00000);
}

// The link to what comes next in a chain of infos about a new instance or device; steps the chain on for what comes then.
static Link *take_link(const void *create_info, int32_t type) {
    LoaderInfo *info = (LoaderInfo *)((const LoaderInfo *)create_info)->next;
    while (info && !(info->type == type && info->function == LINK_INFO)) info = (LoaderInfo *)info->next;
    if (!info) return NULL;
    Link *link = info->link;
    info->link = link->next;
    return link;
}

static Result create_instance(const void *info, const void *allocator, void **instance) {
    Link *link = take_link(info, LOADER_INSTANCE_CREATE_INFO);
    if (!link) return INITIALIZATION_FAILED;
    instance_lookup = link->of_instance;
    Result (*create)(const void *, const void *, void **) = (void *)instance_lookup(NULL, "vkCreateInstance");
    Result result = create(info, allocator, instance);
    if (result == SUCCESS) known_instance = *instance;
    return result;
}

static Result create_device(void *physical, const void *info, const void *allocator, void **device) {
    Link *link = take_link(info, LOADER_DEVICE_CREATE_INFO);
    if (!link) return INITIALIZATION_FAILED;
    Lookup lookup = link->of_instance;
    Result (*create)(void *, const void *, const void *, void **) = (void *)lookup(known_instance, "vkCreateDevice");
    device_lookup = link->of_device;
    Result result = create(physical, info, allocator, device);
    if (result != SUCCESS) return result;
    submit = (void *)device_lookup(*device, "vkQueueSubmit");
    allocate = (void *)device_lookup(*device, "vkAllocateMemory");
    compile = (void *)device_lookup(*device, "vkCreateComputePipelines");
    make_buffer = (void *)device_lookup(*device, "vkCreateBuffer");
    unmake_buffer = (void *)device_lookup(*device, "vkDestroyBuffer");
    copy = (void *)device_lookup(*device, "vkCmdCopyBuffer");
    fill = (void *)device_lookup(*device, "vkCmdFillBuffer");
    return SUCCESS;
}

static Function find_device(void *device, const char *name) {
    if (!strcmp(name, "vkGetDeviceProcAddr")) return (Function)find_device;
    if (!strcmp(name, "vkQueueSubmit")) return (Function)faulty_submit;
    if (!strcmp(name, "vkAllocateMemory")) return (Function)faulty_allocate;
    if (!strcmp(name, "vkCreateComputePipelines")) return (Function)faulty_compile;
    if (!strcmp(name, "vkCreateBuffer")) return (Function)faulty_make_buffer;
    if (!strcmp(name, "vkDestroyBuffer")) return (Function)faulty_unmake_buffer;
    if (!strcmp(name, "vkCmdCopyBuffer")) return (Function)faulty_copy;
    return device_lookup ? device_lookup(device, name) : NULL;
}

static Function find_instance(void *instance, const char *name) {
    if (!strcmp(name, "vkGetInstanceProcAddr")) return (Function)find_instance;
    if (!strcmp(name, "vkCreateInstance")) return (Function)create_instance;
    if (!strcmp(name, "vkCreateDevice")) return (Function)create_device;
    if (!strcmp(name, "vkGetDeviceProcAddr")) return (Function)find_device;
    return instance_lookup ? instance_lookup(instance, name) : NULL;
}

EXPORT Result vkNegotiateLoaderLayerInterfaceVersion(Negotiation *asked) {
    asked->version = 2;
    asked->of_instance = find_instance;
    asked->of_device = find_device;
    asked->of_physical_device = NULL;
    return SUCCESS;
}
