/* The pages of an SQLite file and of its log, which are made here byte by byte. */
#include "rebuild/ledger_pages.h"

#include "base/buf.h"
#include "base/mem.h"
#include "must.h"
#include "tap.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>

#define MAGIC "SQLite format 3"
#define SIZE  512 /* of most pages below */

static struct err err;
static char folder[] = "/tmp/callspool-test.XXXXXX";
static char path[sizeof(folder) + 16], log_path[sizeof(path) + 8];

static void write_file(const char *to, const void *bytes, size_t len)
{
	FILE *file = fopen(to, "w");

	if (!file || (len > 0 && fwrite(bytes, len, 1, file) != 1) || fclose(file) != 0)
		abort();
}

static struct ledger_pages *open_pages(void)
{
	struct ledger_pages *pages = NULL;

	MUST(ledger_pages_open(path, &pages, &err));
	return pages;
}

/* ---- the header ---- */

static void test_header(void)
{
	static const struct {
		const char *name, *magic;
		size_t bytes; /* of the file */
		uint8_t size[2], reserved;
		uint32_t is_size, usable, count;
	} rows[] = {
		{ "as we make it", MAGIC, 3 * 4096, { 0x10, 0 }, 0, 4096, 4096, 3 },
		{ "the smallest pages", MAGIC, 3 * 4096, { 2, 0 }, 0, 512, 512, 24 },
		{ "the largest pages", MAGIC, 2 * 65536, { 0, 1 }, 0, 65536, 65536, 2 },
		{ "smaller than there are", MAGIC, 3 * 4096, { 1, 0 }, 0, 4096, 4096, 3 },
		{ "no power of two", MAGIC, 3 * 4096, { 0x0f, 0xff }, 0, 4096, 4096, 3 },
		{ "of no size", MAGIC, 3 * 4096, { 0, 0 }, 0, 4096, 4096, 3 },
		{ "some of a page is reserved", MAGIC, 3 * 4096, { 4, 0 }, 20, 1024, 1004, 12 },
		{ "as much as may be", MAGIC, 3 * 4096, { 2, 0 }, 32, 512, 480, 24 },
		{ "more than may be", MAGIC, 3 * 4096, { 2, 0 }, 33, 4096, 4096, 3 },
		{ "no file of SQLite's", "SQLite format 4", 3 * 4096, { 2, 0 }, 0, 4096, 4096, 3 },
		{ "the last page is cut", MAGIC, 3 * 4096 - 1, { 0x10, 0 }, 0, 4096, 4096, 2 },
		{ "the header is cut", MAGIC, 99, { 2, 0 }, 0, 4096, 4096, 0 },
		{ "the header is all there is", MAGIC, 100, { 2, 0 }, 0, 512, 512, 0 },
		{ "nothing", MAGIC, 0, { 2, 0 }, 0, 4096, 4096, 0 },
	};
	static uint8_t bytes[2 * 65536];

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		AUTO(ledger_pages_free) struct ledger_pages *pages = NULL;

		memcpy(bytes, rows[i].magic, sizeof(MAGIC));
		memcpy(bytes + 16, rows[i].size, 2);
		bytes[20] = rows[i].reserved;
		write_file(path, bytes, rows[i].bytes);
		pages = open_pages();
		IS_INT(ledger_pages_size(pages), rows[i].is_size, "%s: its pages", rows[i].name);
		IS_INT(ledger_pages_usable(pages), rows[i].usable, "%s: what is used of one",
		       rows[i].name);
		IS_INT(ledger_pages_count(pages), rows[i].count, "%s: how many", rows[i].name);
	}
}

/* ---- the log ---- */

static uint8_t wal[4 << 20];
static size_t wal_len;
static bool is_big; /* words of checksums */
static uint32_t sum[2];

static void put32(uint8_t *at, uint32_t value)
{
	for (int i = 0; i < 4; i++)
		at[i] = (uint8_t)(value >> (24 - 8 * i));
}

static uint32_t word(const uint8_t *at)
{
	uint32_t value = 0;

	for (int i = 0; i < 4; i++)
		value |= (uint32_t)at[i] << 8 * (is_big ? 3 - i : i);
	return value;
}

/* https://www.sqlite.org/fileformat2.html#checksum_algorithm */
static void add_sum(const uint8_t *at, size_t len)
{
	for (size_t i = 0; i < len; i += 8) {
		sum[0] += word(at + i) + sum[1];
		sum[1] += word(at + i + 4) + sum[0];
	}
}

static void begin_log(uint32_t magic, uint32_t size)
{
	memset(wal, 0, 32);
	put32(wal, magic);
	put32(wal + 4, 3007000);
	put32(wal + 8, size);
	memcpy(wal + 16, "saltSALT", 8);
	is_big = magic & 1;
	sum[0] = sum[1] = 0;
	add_sum(wal, 24);
	put32(wal + 24, sum[0]);
	put32(wal + 28, sum[1]);
	wal_len = 32;
}

/* `after`: so many pages there are once this is committed; 0: the transaction goes on. */
static void add_frame(uint32_t page, uint32_t after, char fill)
{
	uint8_t *at = wal + wal_len;

	put32(at, page);
	put32(at + 4, after);
	memcpy(at + 8, "saltSALT", 8);
	memset(at + 24, fill, SIZE);
	add_sum(at, 8);
	add_sum(at + 24, SIZE);
	put32(at + 16, sum[0]);
	put32(at + 20, sum[1]);
	wal_len += 24 + SIZE;
}

/* Pages of `a` to `d`, and the log. */
static struct ledger_pages *open_with_log(const char *magic)
{
	uint8_t bytes[4 * SIZE];

	for (int i = 0; i < 4; i++)
		memset(bytes + i * SIZE, 'a' + i, SIZE);
	memcpy(bytes, magic, sizeof(MAGIC));
	bytes[16] = 2;
	bytes[17] = bytes[20] = 0;
	write_file(path, bytes, sizeof(bytes));
	write_file(log_path, wal, wal_len);
	return open_pages();
}

/* Of each page its last byte; '-' where it cannot be read. */
static struct str told(struct ledger_pages *pages, uint32_t count)
{
	static char text[64];
	uint8_t page[SIZE];

	for (uint32_t n = 1; n <= count; n++)
		text[n - 1] = ledger_pages_read(pages, n, page) && page[SIZE - 1] == page[SIZE / 2]
				      ? (char)page[SIZE - 1]
				      : '-';
	return (struct str){ text, count };
}

static void two_transactions(void)
{
	add_frame(2, 0, 'B');
	add_frame(5, 5, 'E');
	add_frame(3, 0, 'C');
	add_frame(2, 6, '2');
}

#define LITTLE 0x377f0682
#define BIG    0x377f0683

static void test_log(void)
{
	static const struct {
		const char *name;
		uint32_t magic, size;
		size_t breaks_at; /* a byte of the log; 0: none */
		size_t cut;       /* so many bytes are not there */
		const char *told;
		uint32_t count;
	} rows[] = {
		{ "two transactions", LITTLE, SIZE, 0, 0, "a2CdE-", 6 },
		{ "its words are big-endian", BIG, SIZE, 0, 0, "a2CdE-", 6 },
		{ "the last byte is missing", LITTLE, SIZE, 0, 1, "aBcdE-", 5 },
		{ "of the second transaction one frame", LITTLE, SIZE, 0, 24 + SIZE, "aBcdE-", 5 },
		{ "of the first transaction one frame", LITTLE, SIZE, 0, 3 * (24 + SIZE), "abcd--",
		  4 },
		{ "nothing but its header", LITTLE, SIZE, 0, 4 * (24 + SIZE), "abcd--", 4 },
		{ "half a header", LITTLE, SIZE, 0, 4 * (24 + SIZE) + 1, "abcd--", 4 },
		{ "no log of SQLite's", LITTLE + 2, SIZE, 0, 0, "abcd--", 4 },
		{ "a size that is none", LITTLE, SIZE + 1, 0, 0, "abcd--", 4 },
		{ "a byte of its header is another", LITTLE, SIZE, 13, 0, "abcd--", 4 },
		{ "its header's checksum is another", LITTLE, SIZE, 24, 0, "abcd--", 4 },
		{ "the other half of that", LITTLE, SIZE, 31, 0, "abcd--", 4 },
		{ "a byte of a page", LITTLE, SIZE, 32 + 24 + 7, 0, "abcd--", 4 },
		{ "a byte of a later page", LITTLE, SIZE, 32 + 3 * (24 + SIZE) - 1, 0, "aBcdE-",
		  5 },
		{ "the salt of a frame", LITTLE, SIZE, 32 + 2 * (24 + SIZE) + 8, 0, "aBcdE-", 5 },
		{ "the end of the salt", LITTLE, SIZE, 32 + 2 * (24 + SIZE) + 15, 0, "aBcdE-", 5 },
		{ "the checksum of a frame", LITTLE, SIZE, 32 + 2 * (24 + SIZE) + 16, 0, "aBcdE-",
		  5 },
		{ "the other half of it", LITTLE, SIZE, 32 + 2 * (24 + SIZE) + 23, 0, "aBcdE-", 5 },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		AUTO(ledger_pages_free) struct ledger_pages *pages = NULL;

		begin_log(rows[i].magic, rows[i].size);
		two_transactions();
		if (rows[i].breaks_at)
			wal[rows[i].breaks_at] ^= 0x40;
		wal_len -= rows[i].cut;
		pages = open_with_log(MAGIC);
		IS_STR(told(pages, 6), str_of(rows[i].told), "%s: the pages", rows[i].name);
		IS_INT(ledger_pages_count(pages), rows[i].count, "%s: how many", rows[i].name);
	}
}

static void test_odd_logs(void)
{
	struct ledger_pages *pages;
	uint8_t page[SIZE];

	begin_log(LITTLE, SIZE);
	add_frame(1, 1, 'A');
	pages = open_with_log("SQLite format 4");
	OK(ledger_pages_size(pages) == SIZE && ledger_pages_usable(pages) == SIZE,
	   "where the file does not tell the size of pages, its log does");
	IS_STR(told(pages, 5), STR("Abcd-"), "with which all are read");
	IS_INT(ledger_pages_count(pages), 4, "and counted: more lie there than were committed");
	ledger_pages_free(pages);

	begin_log(LITTLE, SIZE);
	add_frame(2, 0, 'B');
	add_frame(0, 9, 'X');
	add_frame(3, 9, 'C');
	pages = open_with_log(MAGIC);
	IS_STR(told(pages, 4), STR("abcd"), "no page is the 0th: there it ends");
	ledger_pages_free(pages);

	begin_log(LITTLE, SIZE);
	add_frame(2, (1u << 30) + 1, 'B');
	add_frame((1u << 30) + 1, 9, 'X');
	add_frame(3, 9, 'C');
	pages = open_with_log(MAGIC);
	IS_STR(told(pages, 4), STR("aBcd"), "nor so far away that no file is as long");
	IS_INT(ledger_pages_count(pages), 4, "nor are there as many");
	ledger_pages_free(pages);

	begin_log(LITTLE, SIZE);
	for (uint32_t n = 1; n <= 600; n++)
		add_frame(n + 4, 0, (char)('a' + n % 26));
	add_frame(1024, 0, 'x');
	add_frame(1025, 0, 'y');
	add_frame(3000, 3000, 'z');
	pages = open_with_log(MAGIC);
	IS_STR(told(pages, 6), STR("abcdbc"), "a long transaction: those that it did not touch");
	for (uint32_t n = 1; n <= 600; n++)
		if (!ledger_pages_read(pages, n + 4, page) || page[9] != 'a' + n % 26)
			OK(false, "and page %u, which it did", n + 4);
	OK(ledger_pages_read(pages, 1024, page) && page[0] == 'x' &&
		   ledger_pages_read(pages, 1025, page) && page[0] == 'y' &&
		   ledger_pages_read(pages, 3000, page) && page[0] == 'z',
	   "those that lie far behind");
	OK(!ledger_pages_read(pages, 2999, page) && !ledger_pages_read(pages, 3001, page) &&
		   !ledger_pages_read(pages, 5000, page) && !ledger_pages_read(pages, 0, page),
	   "and none that is nowhere");
	IS_INT(ledger_pages_count(pages), 3000, "there are as many as were committed");
	ledger_pages_free(pages);
}

/* ---- the rest ---- */

static unsigned descriptors(void)
{
	DIR *dir = opendir("/proc/self/fd");
	unsigned count = 0;

	while (readdir(dir))
		count++;
	closedir(dir);
	return count;
}

static void test_open(void)
{
	AUTO(free) char *below = xasprintf("%s/file", path);
	unsigned before = descriptors();
	struct ledger_pages *pages = NULL;

	ledger_pages_free(open_pages());
	OK(!ledger_pages_open("/nowhere/ledger.db", &pages, &err) && err.kind == ERR_NOT_FOUND &&
		   strstr(err.text, "/nowhere/ledger.db"),
	   "there is none: %s", err.text);
	OK(!ledger_pages_open(below, &pages, &err) && err.kind != ERR_NOT_FOUND,
	   "what cannot be opened is another matter: %s", err.text);
	ledger_pages_free(NULL);
	IS_INT(descriptors(), before, "nothing is left open");
}

int main(void)
{
	if (!mkdtemp(folder))
		return 1;
	snprintf(path, sizeof(path), "%s/ledger.db", folder);
	snprintf(log_path, sizeof(log_path), "%s-wal", path);
	test_header();
	test_log();
	test_odd_logs();
	test_open();
	unlink(log_path);
	unlink(path);
	rmdir(folder);
	return tap_end();
}
