/* Preloaded into dlim and all that it starts: counts what changes a folder, and stops everything at the N-th.
 *
 * DLIM_STOP_FILE is a file of three 64-bit numbers that all of these processes share: how many calls there have been,
 * at which all stops (0: never), and whether it has stopped. DLIM_STOP_ROOT is the folder whose changes count, with all
 * below it. Where the call writes, half of it is written. From then on no call changes anything: whoever makes one is
 * killed. What is seen afterwards is what a machine without power would find, but for what it hadn't written to its disk.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#define EXPORT __attribute__((visibility("default")))
#define REAL(name) ({ static __typeof__(&name) real; if (!real) real = dlsym(RTLD_NEXT, #name); real; })

static struct { volatile int64_t calls, limit, stopped; } *shared;
static char root[PATH_MAX], trace[PATH_MAX];
static size_t length;

__attribute__((constructor)) static void begin(void) {
    const char *file = getenv("DLIM_STOP_FILE"), *folder = getenv("DLIM_STOP_ROOT"), *log = getenv("DLIM_STOP_LOG");
    if (!file || !folder || shared) return;
    int descriptor = open(file, O_RDWR | O_CLOEXEC);
    if (descriptor < 0) return;
    void *found = mmap(0, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
    close(descriptor);
    if (found == MAP_FAILED) return;
    length = (size_t)snprintf(root, sizeof root, "%s", folder);
    if (log) snprintf(trace, sizeof trace, "%s", log);
    shared = found;
}

static void die(void) {
    for (;;) kill(getpid(), SIGKILL);
}

/* Whether this call is the last; what it is goes to a log, where one is named. */
static int last(const char *name, const char *path) {
    if (shared->stopped) die();
    int64_t number = __sync_add_and_fetch(&shared->calls, 1);
    if (*trace) {
        char line[PATH_MAX + 64];
        int size = snprintf(line, sizeof line, "%lld %d %s %s\n", (long long)number, (int)getpid(), name, path);
        int log = REAL(open)(trace, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
        if (log >= 0 && REAL(write)(log, line, (size_t)size)) {}
        close(log);
    }
    return number == shared->limit;
}

static void stop(void) {
    shared->stopped = 1;
    __sync_synchronize();
    die();
}

static int inside(const char *path) {
    size_t size = strlen(path);
    if (size > 4 && !strcmp(path + size - 4, "-shm")) return 0; /* sqlite makes it anew */
    return !strncmp(path, root, length) && (path[length] == '/' || !path[length]);
}

static int counts_at(int folder, const char *path, char *whole) {
    if (!shared || !path) return 0;
    if (*path == '/') {
        snprintf(whole, PATH_MAX, "%s", path);
    } else {
        char link[64];
        if (folder == AT_FDCWD) snprintf(link, sizeof link, "/proc/self/cwd");
        else snprintf(link, sizeof link, "/proc/self/fd/%d", folder);
        ssize_t size = readlink(link, whole, PATH_MAX - 1);
        if (size < 0) return 0;
        snprintf(whole + size, (size_t)(PATH_MAX - size), "/%s", path);
    }
    return inside(whole);
}

static int counts_open(int descriptor, char *whole) {
    struct stat found;
    if (!shared || fstat(descriptor, &found) || !S_ISREG(found.st_mode)) return 0;
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
    ssize_t size = readlink(link, whole, PATH_MAX - 1);
    if (size < 0) return 0;
    whole[size] = 0;
    return inside(whole);
}

static void at(const char *name, int folder, const char *path) {
    char whole[PATH_MAX];
    if (counts_at(folder, path, whole) && last(name, whole)) stop();
}

#define HALF(call) \
    char whole[PATH_MAX]; \
    if (counts_open(descriptor, whole) && last(__func__, whole)) { if (call) {} stop(); }

EXPORT ssize_t write(int descriptor, const void *data, size_t size) {
    HALF(REAL(write)(descriptor, data, size / 2))
    return REAL(write)(descriptor, data, size);
}
EXPORT ssize_t pwrite(int descriptor, const void *data, size_t size, off_t place) {
    HALF(REAL(pwrite)(descriptor, data, size / 2, place))
    return REAL(pwrite)(descriptor, data, size, place);
}
EXPORT ssize_t pwrite64(int descriptor, const void *data, size_t size, off64_t place) {
    HALF(REAL(pwrite64)(descriptor, data, size / 2, place))
    return REAL(pwrite64)(descriptor, data, size, place);
}
EXPORT ssize_t writev(int descriptor, const struct iovec *pieces, int count) {
    HALF(REAL(writev)(descriptor, pieces, count / 2))
    return REAL(writev)(descriptor, pieces, count);
}
EXPORT ssize_t sendfile64(int descriptor, int from, off64_t *place, size_t size) {
    static ssize_t (*real)(int, int, off64_t *, size_t);
    if (!real) real = dlsym(RTLD_NEXT, "sendfile64");
    HALF(1)
    return real(descriptor, from, place, size);
}
EXPORT ssize_t sendfile(int descriptor, int from, off_t *place, size_t size) {
    static ssize_t (*real)(int, int, off_t *, size_t);
    if (!real) real = dlsym(RTLD_NEXT, "sendfile");
    HALF(1)
    return real(descriptor, from, place, size);
}
EXPORT ssize_t copy_file_range(int from, off64_t *source, int descriptor, off64_t *place, size_t size, unsigned flags) {
    HALF(1)
    return REAL(copy_file_range)(from, source, descriptor, place, size, flags);
}
EXPORT int ftruncate(int descriptor, off_t size) {
    HALF(1)
    return REAL(ftruncate)(descriptor, size);
}
EXPORT int ftruncate64(int descriptor, off64_t size) {
    HALF(1)
    return REAL(ftruncate64)(descriptor, size);
}

#define OPEN(name, folder, ...) \
    mode_t mode = 0; \
    if (flags & (O_CREAT | __O_TMPFILE)) { va_list rest; va_start(rest, flags); mode = va_arg(rest, mode_t); va_end(rest); } \
    if (flags & O_TRUNC || (flags & O_CREAT && REAL(faccessat)(folder, path, F_OK, AT_SYMLINK_NOFOLLOW))) \
        at("open", folder, path); \
    return REAL(name)(__VA_ARGS__, flags, mode);

EXPORT int open(const char *path, int flags, ...) { OPEN(open, AT_FDCWD, path) }
EXPORT int open64(const char *path, int flags, ...) { OPEN(open64, AT_FDCWD, path) }
EXPORT int openat(int folder, const char *path, int flags, ...) { OPEN(openat, folder, folder, path) }
EXPORT int openat64(int folder, const char *path, int flags, ...) { OPEN(openat64, folder, folder, path) }

/* What has no effect is no point: a file that isn't there can't be deleted. */
#define THERE(folder, path) (!shared || !REAL(faccessat)(folder, path, F_OK, AT_SYMLINK_NOFOLLOW))

EXPORT int rename(const char *from, const char *to) {
    if (THERE(AT_FDCWD, from)) at("rename", AT_FDCWD, to);
    return REAL(rename)(from, to);
}
EXPORT int renameat(int a, const char *from, int b, const char *to) {
    if (THERE(a, from)) at("rename", b, to);
    return REAL(renameat)(a, from, b, to);
}
EXPORT int renameat2(int a, const char *from, int b, const char *to, unsigned flags) {
    if (THERE(a, from)) at("rename", b, to);
    return REAL(renameat2)(a, from, b, to, flags);
}
EXPORT int link(const char *from, const char *to) { at("link", AT_FDCWD, to); return REAL(link)(from, to); }
EXPORT int linkat(int a, const char *from, int b, const char *to, int flags) {
    at("link", b, to);
    return REAL(linkat)(a, from, b, to, flags);
}
EXPORT int symlink(const char *from, const char *to) { at("symlink", AT_FDCWD, to); return REAL(symlink)(from, to); }
EXPORT int symlinkat(const char *from, int b, const char *to) { at("symlink", b, to); return REAL(symlinkat)(from, b, to); }
EXPORT int unlink(const char *path) {
    if (THERE(AT_FDCWD, path)) at("unlink", AT_FDCWD, path);
    return REAL(unlink)(path);
}
EXPORT int unlinkat(int a, const char *path, int flags) {
    if (THERE(a, path)) at("unlink", a, path);
    return REAL(unlinkat)(a, path, flags);
}
EXPORT int remove(const char *path) {
    if (THERE(AT_FDCWD, path)) at("unlink", AT_FDCWD, path);
    return REAL(remove)(path);
}
EXPORT int rmdir(const char *path) {
    if (THERE(AT_FDCWD, path)) at("rmdir", AT_FDCWD, path);
    return REAL(rmdir)(path);
}
EXPORT int mkdir(const char *path, mode_t mode) {
    if (!shared || !THERE(AT_FDCWD, path)) at("mkdir", AT_FDCWD, path);
    return REAL(mkdir)(path, mode);
}
EXPORT int mkdirat(int a, const char *path, mode_t mode) {
    if (!shared || !THERE(a, path)) at("mkdir", a, path);
    return REAL(mkdirat)(a, path, mode);
}
EXPORT int chmod(const char *path, mode_t mode) { at("chmod", AT_FDCWD, path); return REAL(chmod)(path, mode); }
