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

EMBED(html, "index.html");
EMBED(js, "page.js");
EMBED(css, "page.css");

const struct web_page_file web_page_files[] = {
	{ "/", "text/html; charset=utf-8", page_html, page_html_end },
	{ "/page.js", "text/javascript; charset=utf-8", page_js, page_js_end },
	{ "/page.css", "text/css; charset=utf-8", page_css, page_css_end },
};
const unsigned web_page_file_count = ARRAY_LEN(web_page_files);
