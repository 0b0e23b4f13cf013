/* Trouble that a running process has with its disk and its wall clock: put before the C library, it does what stands in the file
 * named by TANDEM_LAB_TROUBLE, which the test changes while the process runs. Three numbers of eight bytes each: how long a flush
 * takes in microseconds, the error that a flush ends with (0 none), and how far the wall clock is off in seconds. strace could do the
 * first two, but it would slow every other system call as well; the tests build this and the appliance never loads it. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

struct trouble {
    int64_t flush_microseconds, flush_error, clock_seconds;
};

static const volatile struct trouble none;
static const volatile struct trouble *trouble = &none;

__attribute__((constructor)) static void look_up(void)
{
    const char *path = getenv("TANDEM_LAB_TROUBLE");
    int file = path == NULL ? -1 : open(path, O_RDONLY | O_CLOEXEC);
    void *mapped;

    if (file < 0)
        return;
    mapped = mmap(NULL, sizeof none, PROT_READ, MAP_SHARED, file, 0);
    if (mapped != MAP_FAILED)
        trouble = mapped;
    close(file);
}

static int flush(long call, int descriptor)
{
    struct timespec left = {trouble->flush_microseconds / 1000000, trouble->flush_microseconds % 1000000 * 1000};

    while (nanosleep(&left, &left) != 0)
        ;
    if (trouble->flush_error != 0) {
        errno = (int)trouble->flush_error;
        return -1;
    }
    return (int)syscall(call, descriptor);
}

int fsync(int descriptor) { return flush(SYS_fsync, descriptor); }

int fdatasync(int descriptor) { return flush(SYS_fdatasync, descriptor); }

int clock_gettime(clockid_t which, struct timespec *now)
{
    int result = (int)syscall(SYS_clock_gettime, which, now);

    if (result == 0 && (which == CLOCK_REALTIME || which == CLOCK_REALTIME_COARSE))
        now->tv_sec += trouble->clock_seconds;
    return result;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone)
{
    struct timespec fine;

    (void)zone;
    if (clock_gettime(CLOCK_REALTIME, &fine) != 0)
        return -1;
    now->tv_sec = fine.tv_sec;
    now->tv_usec = fine.tv_nsec / 1000;
    return 0;
}

time_t time(time_t *where)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    if (where != NULL)
        *where = now.tv_sec;
    return now.tv_sec;
}
