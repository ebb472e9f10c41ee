/* A shim before libc for tests: counts the calls of one process that change files or print, and spoils the N-th.
 *
 * `fault_arm(at, kind)` begins to count: the call number `at` fails with ENOSPC (kind 1), is the one at which SIGKILL
 * ends the process (kind 2), or the first of a disk that is full from there on (kind 3: what needs no room succeeds, and
 * what is printed). `at` 0 only counts. `fault_count()` says how many calls there were. A child has none of it.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

static int armed, at, kind, count;
static pid_t owner;

void fault_arm(int at_call, int how) { owner = getpid(); at = at_call; kind = how; count = 0; armed = 1; }
void fault_disarm(void) { armed = 0; }
int fault_count(void) { return count; }

/* 1 if this call has to fail; `room`: it needs some. */
static int spoil(int room) {
    if (!armed || getpid() != owner) return 0;
    count++;
    if (!at || (kind == 3 ? count < at || !room : count != at)) return 0;
    if (kind == 2) { raise(SIGKILL); for (;;) pause(); }
    errno = ENOSPC;
    return 1;
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))
#define BEFORE(name, room) static __typeof__(&name) real; if (!real) real = REAL(name); if (spoil(room)) return -1

ssize_t write(int fd, const void *data, size_t size) { BEFORE(write, fd > 2); return real(fd, data, size); }
ssize_t writev(int fd, const struct iovec *parts, int many) { BEFORE(writev, fd > 2); return real(fd, parts, many); }
ssize_t pwrite64(int fd, const void *data, size_t size, off64_t to) { BEFORE(pwrite64, fd > 2); return real(fd, data, size, to); }
int fsync(int fd) { BEFORE(fsync, 1); return real(fd); }
int fdatasync(int fd) { BEFORE(fdatasync, 1); return real(fd); }
int ftruncate64(int fd, off64_t size) { BEFORE(ftruncate64, 0); return real(fd, size); }
int fchmod(int fd, mode_t mode) { BEFORE(fchmod, 0); return real(fd, mode); }
int mkdir(const char *path, mode_t mode) { BEFORE(mkdir, 1); return real(path, mode); }
int mkdirat(int dir, const char *path, mode_t mode) { BEFORE(mkdirat, 1); return real(dir, path, mode); }
int rmdir(const char *path) { BEFORE(rmdir, 0); return real(path); }
int unlink(const char *path) { BEFORE(unlink, 0); return real(path); }
int unlinkat(int dir, const char *path, int flags) { BEFORE(unlinkat, 0); return real(dir, path, flags); }
int rename(const char *old, const char *new) { BEFORE(rename, 0); return real(old, new); }
int renameat(int od, const char *old, int nd, const char *new) { BEFORE(renameat, 0); return real(od, old, nd, new); }
int link(const char *old, const char *new) { BEFORE(link, 1); return real(old, new); }
int linkat(int od, const char *old, int nd, const char *new, int flags) {
    BEFORE(linkat, 1);
    return real(od, old, nd, new, flags);
}
int symlink(const char *to, const char *at_path) { BEFORE(symlink, 1); return real(to, at_path); }

/* Opening counts where it may make a file. */
#define MODE \
    mode_t mode = 0; \
    if (flags & (O_CREAT | __O_TMPFILE)) { \
        va_list more; \
        va_start(more, flags); \
        mode = va_arg(more, mode_t); \
        va_end(more); \
        if (spoil(1)) return -1; \
    }
int open(const char *path, int flags, ...) { MODE; return REAL(open)(path, flags, mode); }
int open64(const char *path, int flags, ...) { MODE; return REAL(open64)(path, flags, mode); }
int openat(int dir, const char *path, int flags, ...) { MODE; return REAL(openat)(dir, path, flags, mode); }
int openat64(int dir, const char *path, int flags, ...) { MODE; return REAL(openat64)(dir, path, flags, mode); }
