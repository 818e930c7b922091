/*
 * What a build machine does in an hour: processes, threads, programs and libraries that were never
 * there before and are gone at once, evenly over a stated time. Each new program or library is a
 * copy with a build-id of its own. Ends with 7.
 * Arguments: MS PROCESSES PROGRAMS THREADS LIBRARIES PROGRAM LIBRARY FOLDER
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { IMAGE_BYTES_MAX = 1 << 20, WORK = 400000 };

struct image {
	uint8_t *bytes;
	size_t n;
	uint8_t *build_id;
};

static double now_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void die(const char *what)
{
	perror(what);
	exit(3);
}

static struct image image_read(const char *path)
{
	static const uint8_t note[] = { 3, 0, 0, 0, 'G', 'N', 'U', 0 };
	struct image image = { .bytes = malloc(IMAGE_BYTES_MAX) };
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, image.bytes, IMAGE_BYTES_MAX);

	if (n <= 0 || n == IMAGE_BYTES_MAX)
		die(path);
	close(fd);
	image.n = (size_t)n;
	image.build_id = memmem(image.bytes, image.n, note, sizeof(note));
	if (!image.build_id)
		die("no build-id");
	image.build_id += sizeof(note);
	return image;
}

static void image_write(struct image *image, uint64_t number, const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0700);

	memcpy(image->build_id, &number, sizeof(number));
	if (fd < 0 || write(fd, image->bytes, image->n) != (ssize_t)image->n)
		die(path);
	close(fd);
}

static void run(const char *program)
{
	int status = 0;
	pid_t pid = program ? vfork() : fork();

	if (pid == 0) {
		if (program)
			execl(program, program, "1", (char *)NULL);
		_exit(program ? 127 : 0);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid || status)
		die("process");
}

static void *work(void *arg)
{
	for (volatile unsigned long i = 0; i < 1000; i++)
		;
	return arg;
}

static void run_thread(void)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, work, NULL))
		die("thread");
	pthread_join(thread, NULL);
}

static void use_library(const char *path)
{
	void *library = dlopen(path, RTLD_NOW);
	void *symbol = library ? dlsym(library, "twin_work") : NULL;
	void (*function)(unsigned long);

	if (!symbol)
		die(dlerror());
	memcpy(&function, &symbol, sizeof(function));
	function(WORK);
	dlclose(library);
}

/* Whether number `i` of `n` steps is due one more of `want`. */
static int is_due(unsigned long i, unsigned long n, unsigned long want)
{
	return (i + 1) * want / n != i * want / n;
}

int main(int argc, char **argv)
{
	unsigned long number[5], n_programs = 0, n_libraries = 0;
	char path[512];

	if (argc != 9)
		return 2;
	for (int i = 0; i < 5; i++)
		number[i] = strtoul(argv[i + 1], NULL, 10);
	unsigned long n = number[1];
	struct image program = image_read(argv[6]), library = image_read(argv[7]);
	double began = now_s();

	for (unsigned long i = 0; i < n; i++) {
		double early = began + (double)number[0] / 1e3 * (double)i / (double)n - now_s();

		if (early > 0.002)
			usleep((useconds_t)(early * 1e6));
		snprintf(path, sizeof(path), "%s/churn.%lu", argv[8], i);
		if (is_due(i, n, number[2])) {
			image_write(&program, ++n_programs, path);
			run(path);
			unlink(path);
		} else {
			run(NULL);
		}
		if (is_due(i, n, number[3]))
			run_thread();
		if (is_due(i, n, number[4])) {
			image_write(&library, ++n_libraries, path);
			use_library(path);
			unlink(path);
		}
	}
	printf("processes %lu programs %lu libraries %lu in %.1f s\n", n, n_programs, n_libraries,
	       now_s() - began);
	return 7;
}
