#include "web/web_pages_data.h"

#include "base/compiler.h"

/* The assembler copies the file in; meson rebuilds this object when one changes. */
#define EMBED(symbol, file)                                                      \
	__asm__(".pushsection .rodata\n"                                         \
		".globl page_" #symbol ", page_" #symbol "_end\n"                \
		"page_" #symbol ":\n"                                            \
		".incbin \"" WEB_PAGE_DIR "/" file "\"\n"                        \
		"page_" #symbol "_end:\n"                                        \
		".popsection\n");                                                \
	extern const char page_##symbol[] __attribute__((visibility("hidden"))); \
	extern const char page_##symbol##_end[] __attribute__((visibility("hidden")))

EMBED(calls, "index.html");
EMBED(join, "join.html");
EMBED(link, "link.html");
EMBED(calls_js, "page.js");
EMBED(join_js, "join.js");
EMBED(link_js, "link.js");
EMBED(sign_in_js, "sign_in.js");
EMBED(form_js, "form.js");
EMBED(words_js, "words.js");
EMBED(css, "page.css");

#define HTML   "text/html; charset=utf-8"
#define SCRIPT "text/javascript; charset=utf-8"

const struct web_page_file web_page_files[] = {
	{ "/", HTML, page_calls, page_calls_end },
	{ "/join", HTML, page_join, page_join_end },
	{ "/l/{}", HTML, page_link, page_link_end },
	{ "/page.js", SCRIPT, page_calls_js, page_calls_js_end },
	{ "/join.js", SCRIPT, page_join_js, page_join_js_end },
	{ "/link.js", SCRIPT, page_link_js, page_link_js_end },
	{ "/sign_in.js", SCRIPT, page_sign_in_js, page_sign_in_js_end },
	{ "/form.js", SCRIPT, page_form_js, page_form_js_end },
	{ "/words.js", SCRIPT, page_words_js, page_words_js_end },
	{ "/page.css", "text/css; charset=utf-8", page_css, page_css_end },
};
const unsigned web_page_file_count = ARRAY_LEN(web_page_files);
