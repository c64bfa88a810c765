/*
 * What a hitless split costs at least, in C: take a page, write its 512 entries, exchange one entry for it; and what
 * writing 2 MiB of entries costs. Prints one line a figure: its name and nanoseconds, the least of many samples.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { ENTRIES = 512, PAGES = 64, MANY = 262144, SAMPLES = 2000 };

static uint64_t *stack[PAGES];
static int top;
static uint64_t parent;

static uint64_t now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

__attribute__((noinline)) static void fill(uint64_t *table, uint64_t first, uint64_t step, int count)
{
	for (int i = 0; i < count; i++, first += step)
		table[i] = first;
}

__attribute__((noinline)) static void split(int zeroed)
{
	uint64_t *table = stack[--top];
	uint64_t leaf = parent;

	if (zeroed)
		memset(table, 0, ENTRIES * sizeof(*table));
	fill(table, 0x1003, 0x1000, ENTRIES);
	__atomic_compare_exchange_n(&parent, &leaf, (uint64_t)(uintptr_t)table | 3, 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
	stack[top++] = table;
}

static void *pages(size_t bytes)
{
	void *memory = aligned_alloc(4096, bytes);

	if (!memory)
		exit(1);
	memset(memory, 1, bytes);
	return memory;
}

int main(void)
{
	double zeroed = 1e18, taken = 1e18, many = 1e18;
	uint64_t *entries = pages(MANY * sizeof(*entries));

	for (top = 0; top < PAGES; top++)
		stack[top] = pages(ENTRIES * sizeof(*entries));
	for (int sample = 0; sample < SAMPLES; sample++) {
		for (int zero = 0; zero < 2; zero++) {
			double *best = zero ? &zeroed : &taken;
			uint64_t begin = now();

			for (int i = 0; i < PAGES; i++)
				split(zero);
			double nanos = (double)(now() - begin) / PAGES;
			*best = nanos < *best ? nanos : *best;
		}
		if (sample % 10 == 0) {
			uint64_t begin = now();

			fill(entries, 3, 0x1000, MANY);
			double nanos = (double)(now() - begin);
			many = nanos < many ? nanos : many;
		}
	}
	printf("zeroed %.1f\ntaken %.1f\nmany %.0f\n", zeroed, taken, many);
	return 0;
}
