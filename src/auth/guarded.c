#include "auth/guarded.h"

#include "auth/password_rules.h"

#include <pthread.h>
#include <sodium.h>
#include <stdlib.h>

/* One character more than the longest password, and the NUL. */
#define COPY_MAX  (PASSWORD_SIZE_MAX + 4)
#define COPY_SIZE (COPY_MAX + 4)

static struct {
	pthread_once_t once;
	pthread_mutex_t mutex; /* guards what follows */
	char *region;
	unsigned free_count;
	unsigned free[GUARDED_COPIES]; /* their numbers, the last given back on top */
} guarded = { .once = PTHREAD_ONCE_INIT, .mutex = PTHREAD_MUTEX_INITIALIZER };

static void *guarded_memory(size_t size)
{
	void *memory = sodium_malloc(size);

	if (!memory)
		abort(); /* as base/mem.h does */
	return memory;
}

static void make_region(void)
{
	if (sodium_init() < 0)
		abort();
	guarded.region = guarded_memory((size_t)GUARDED_COPIES * COPY_SIZE);
	for (unsigned i = 0; i < GUARDED_COPIES; i++)
		guarded.free[guarded.free_count++] = GUARDED_COPIES - 1 - i;
}

static char *take(void)
{
	char *copy = NULL;

	pthread_once(&guarded.once, make_region);
	pthread_mutex_lock(&guarded.mutex);
	if (guarded.free_count > 0)
		copy = guarded.region + (size_t)guarded.free[--guarded.free_count] * COPY_SIZE;
	pthread_mutex_unlock(&guarded.mutex);
	return copy ? copy : guarded_memory(COPY_SIZE);
}

/* Cut between two characters, where it is UTF-8. */
static size_t length_of(struct str text)
{
	size_t len = text.len;

	if (len <= COPY_MAX)
		return len;
	len = COPY_MAX;
	while (len > PASSWORD_SIZE_MAX + 1 && ((uint8_t)text.at[len] & 0xc0) == 0x80)
		len--;
	return len;
}

char *guarded_copy(struct str text, size_t *out_len)
{
	char *copy = take();

	*out_len = length_of(text);
	memcpy(copy, text.at ? text.at : "", *out_len);
	copy[*out_len] = '\0';
	return copy;
}

static bool is_in_region(const char *copy)
{
	return guarded.region && copy >= guarded.region &&
	       copy < guarded.region + (size_t)GUARDED_COPIES * COPY_SIZE;
}

void guarded_free(char *copy)
{
	if (!copy)
		return;
	if (!is_in_region(copy)) {
		sodium_free(copy);
		return;
	}
	sodium_memzero(copy, COPY_SIZE);
	pthread_mutex_lock(&guarded.mutex);
	guarded.free[guarded.free_count++] =
		(unsigned)((size_t)(copy - guarded.region) / COPY_SIZE);
	pthread_mutex_unlock(&guarded.mutex);
}
