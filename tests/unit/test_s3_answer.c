#include "base/own.h"
#include "s3/s3_answer.h"
#include "tap.h"

static void test_listing(void)
{
	static const char page[] =
		"<?xml version=\"1.0\" encoding=\"UTF-8\"?>"
		"<ListBucketResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Name>b</Name>"
		"<Prefix>calls/3f/</Prefix><IsTruncated>true</IsTruncated>"
		"<NextContinuationToken>a&amp;b=</NextContinuationToken>"
		"<Contents><Key>calls/3f/CA&lt;1&gt;.mp3</Key><ETag>&quot;x&quot;</ETag>"
		"<Owner><ID>o</ID><DisplayName/></Owner></Contents>"
		"<Contents><Key>calls/3f/&#x41;&#66;&#xe9;</Key></Contents>"
		"<Contents><Key>&#x7f;&#x80;&#x7ff;&#x800;&#xffff;&#x10000;</Key></Contents>"
		"<Contents><Size>4</Size></Contents>"
		"<CommonPrefixes><Prefix>calls/40/</Prefix></CommonPrefixes></ListBucketResult>";
	AUTO(s3_listing_release) struct s3_listing listing;

	OK(s3_listing_read(str_of(page), &listing), "a page is read");
	IS_INT(listing.count, 4, "what has a key is listed");
	IS_STR(str_of(listing.at[0].key), STR("calls/3f/CA<1>.mp3"), "entities in a key");
	IS_STR(str_of(listing.at[1].key), STR("calls/3f/AB\xc3\xa9"), "numbers in a key");
	IS_STR(str_of(listing.at[2].key),
	       STR("\x7f\xc2\x80\xdf\xbf\xe0\xa0\x80\xef\xbf\xbf\xf0\x90\x80\x80"),
	       "of one byte to four");
	IS_STR(str_of(listing.at[3].key), STR("calls/40/"), "a folder");
	OK(listing.at[3].is_folder && !listing.at[1].is_folder, "is told apart");
	OK(listing.is_truncated, "there is more");
	IS_STR(str_of(listing.next), STR("a&b="), "and where");
}

/* Of a key, what stands between two letters. */
static void test_entities(void)
{
	static const struct {
		const char *text, *key, *name;
	} cases[] = {
		{ "&amp;&lt;&gt;&quot;&apos;", "&<>\"'", "all that have names" },
		{ "&nbsp;", "", "a name that is unknown" },
		{ "&AMP;", "", "names are told apart by case" },
		{ "&;", "", "no name" },
		{ "&#1;", "\x01", "the first number" },
		{ "&#0;", "", "none is 0" },
		{ "&#xd7ff;", "\xed\x9f\xbf", "the last one before the surrogates" },
		{ "&#xd800;", "", "the first surrogate is none" },
		{ "&#xdfff;", "", "nor is the last one" },
		{ "&#xe000;", "\xee\x80\x80", "the first one behind them" },
		{ "&#x10ffff;", "\xf4\x8f\xbf\xbf", "the last number" },
		{ "&#x110000;", "", "nothing is behind it" },
		{ "&#X41;&#x4a;&#x4A;", "AJJ", "hexadecimal digits of both cases" },
		{ "&#zz;", "", "no digits" },
		{ "&#65x;", "", "what follows digits" },
		{ "&#-5;", "", "a sign" },
		{ "&#;", "", "no number" },
		{ "&#x;", "", "no hexadecimal number" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		AUTO(s3_listing_release) struct s3_listing listing;
		char page[160], key[32];

		snprintf(
			page, sizeof(page),
			"<ListBucketResult><Contents><Key>a%sz</Key></Contents></ListBucketResult>",
			cases[i].text);
		snprintf(key, sizeof(key), "a%sz", cases[i].key);
		OK(s3_listing_read(str_of(page), &listing) && listing.count == 1, "%s: a key",
		   cases[i].name);
		IS_STR(str_of(listing.at[0].key), str_of(key), "%s: as meant", cases[i].name);
	}
}

static void test_tags(void)
{
	static const struct {
		const char *entry, *key, *name;
	} cases[] = {
		{ "<Contents a=\"1\"><Key b=\"2\">k</Key></Contents>", "k", "attributes" },
		{ "<Contents\n><Key\t>k</Key\r\n></Contents\n>", "k", "white space in tags" },
		{ "<Contents><!-- <Key> --><Key>k</Key></Contents>", "k", "a comment" },
		{ "<Contents><?what ever?><Key>k</Key></Contents>", "k", "an instruction" },
		{ "<Contents><Key>one</Key><Key>k</Key></Contents>", "k", "the last of two keys" },
		{ "<Contents><Key>a&amp</Key></Contents>", "a", "a reference that is cut off" },
		{ "<Contents><Key></Key></Contents>", "", "a key of no length" },
		{ "<Contents><Prefix>p</Prefix></Contents>", NULL, "a prefix of no folder" },
		{ "<Contents><Key/></Contents>", NULL, "a key that is empty" },
		{ "<Contents/>", NULL, "an entry that is empty" },
		{ "<Other><Key>k</Key></Other>", NULL, "a key of something else" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		AUTO(s3_listing_release) struct s3_listing listing;
		char page[160];

		snprintf(page, sizeof(page), "<ListBucketResult>%s</ListBucketResult>",
			 cases[i].entry);
		OK(s3_listing_read(str_of(page), &listing), "%s: a page", cases[i].name);
		IS_INT(listing.count, cases[i].key ? 1 : 0, "%s: entries", cases[i].name);
		if (listing.count == 1 && cases[i].key)
			IS_STR(str_of(listing.at[0].key), str_of(cases[i].key), "%s: the key",
			       cases[i].name);
	}
}

static void test_versions(void)
{
	static const char page[] =
		"<ListVersionsResult><IsTruncated>true</IsTruncated><NextKeyMarker>k2</NextKeyMarker>"
		"<NextVersionIdMarker>v9</NextVersionIdMarker>"
		"<Version><Key>k</Key><VersionId>v1</VersionId><IsLatest>true</IsLatest></Version>"
		"<DeleteMarker><Key>k</Key><VersionId>v2</VersionId></DeleteMarker>"
		"<Version><Key>k2</Key><VersionId>null</VersionId></Version></ListVersionsResult>";
	AUTO(s3_listing_release) struct s3_listing listing;

	OK(s3_listing_read(str_of(page), &listing), "a page of versions is read");
	IS_INT(listing.count, 3, "with what marks a deletion");
	IS_STR(str_of(listing.at[1].version_id), STR("v2"), "whose version is told");
	IS_STR(str_of(listing.at[2].version_id), STR("null"), "of an unversioned bucket, too");
	IS_STR(str_of(listing.next_version), STR("v9"), "where it goes on");
}

static void test_not_a_listing(void)
{
	static const char *const texts[] = {
		"",
		"<",
		"<html><body>502</body></html>",
		"{\"a\":1}",
		"<Error><Code>x</Code></Error>",
		"<!-- <ListBucketResult> -->",
	};
	struct s3_listing listing;

	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		OK(!s3_listing_read(str_of(texts[i]), &listing), "no listing: '%s'", texts[i]);
		s3_listing_release(&listing);
	}
	OK(s3_listing_read(STR("<ListBucketResult/>"), &listing) && listing.count == 0,
	   "an empty one is");
	OK(s3_listing_read(STR("<ListBucketResult><Contents><Key>a</Key>"), &listing) &&
		   listing.count == 1,
	   "one that is cut off is as far as it goes");
	s3_listing_release(&listing);
}

static void test_error(void)
{
	struct s3_error error;

	s3_error_read(STR("<?xml version=\"1.0\"?><Error><Code>NoSuchKey</Code><Message>It is not"
			  " there.</Message><Resource>/b/k</Resource></Error>"),
		      &error);
	IS_STR(str_of(error.code), STR("NoSuchKey"), "the code of an error");
	IS_STR(str_of(error.message), STR("It is not there."), "and its message");
	s3_error_read(STR("<html>"), &error);
	IS_STR(str_of(error.code), STR(""), "a page of a proxy has none");
}

int main(void)
{
	test_listing();
	test_entities();
	test_tags();
	test_versions();
	test_not_a_listing();
	test_error();
	return tap_end();
}
