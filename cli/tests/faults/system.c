// A library to be preloaded that lets the system fail below a folder, for tests: calls that make a file or a folder, write or
// synchronise. Build: cc -shared -fPIC -o system.so system.c
//
//   FAULTY_FOLDER=DIR     the folder; its true path
//   FAULTY_FROM=3         the third of these calls fails, and all that follow; of none: none fails
//   FAULTY_ERROR=28       with this number: 28 is a full disk, 30 one that can only be read
//   FAULTY_CALLS=FILE     at the end FILE says how many there were
//   FAULTY_CLOCK=SECONDS  with each question the clock is so much further back
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define NEXT(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

static atomic_int calls, questions;

static int is_below(const char *path) {
    const char *folder = getenv("FAULTY_FOLDER");
    return folder && !strncmp(path, folder, strlen(folder));
}

static int is_open_below(int file) {
    char link[64], path[4096];
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length < 0) return 0;
    path[length] = 0;
    return is_below(path);
}

// Whether a call below the folder fails; then errno is set.
static int fails(void) {
    const char *from = getenv("FAULTY_FROM"), *error = getenv("FAULTY_ERROR");
    int number = atomic_fetch_add(&calls, 1) + 1;
    if (!from || !error || number < atoi(from)) return 0;
    errno = atoi(error);
    return 1;
}

__attribute__((destructor)) static void tell_calls(void) {
    const char *path = getenv("FAULTY_CALLS");
    FILE *file = path ? fopen(path, "w") : NULL;
    if (!file) return;
    fprintf(file, "%d\n", calls);
    fclose(file);
}

int open64(const char *path, int flags, ...) {
    va_list rest;
    va_start(rest, flags);
    mode_t mode = flags & O_CREAT ? va_arg(rest, mode_t) : 0;
    va_end(rest);
    if (flags & O_CREAT && is_below(path) && fails()) return -1;
    return NEXT(open64)(path, flags, mode);
}

int mkdir(const char *path, mode_t mode) {
    int is_new = access(path, F_OK) != 0;
    return is_new && is_below(path) && fails() ? -1 : NEXT(mkdir)(path, mode);
}

ssize_t write(int file, const void *bytes, size_t count) {
    return is_open_below(file) && fails() ? -1 : NEXT(write)(file, bytes, count);
}

int fsync(int file) {
    return is_open_below(file) && fails() ? -1 : NEXT(fsync)(file);
}

int fdatasync(int file) {
    return is_open_below(file) && fails() ? -1 : NEXT(fdatasync)(file);
}

int clock_gettime(clockid_t clock, struct timespec *time) {
    const char *step = getenv("FAULTY_CLOCK");
    int result = NEXT(clock_gettime)(clock, time);
    if (step && clock == CLOCK_REALTIME) time->tv_sec -= atoi(step) * (atomic_fetch_add(&questions, 1) + 1);
    return result;
}
