/*
 * What a driver implements: see blob.h for each contract.  Names were checked before.
 */
#pragma once

#include "blob/blob.h"

struct blob_request;

struct blob_driver {
	const char *name;  /* "local" ... */
	bool is_one_place; /* has_place() says the same of all names */
	void (*store_free)(struct blob_store *store);

	/* `base` is "RE….17": checked, unique for the generation and the function, fit for a file name. */
	bool (*arriving_open)(struct blob_store *store, const char *base,
			      struct blob_arriving **out, struct err *err);
	bool (*arriving_open_unnamed)(struct blob_store *store, const char *base,
				      struct blob_arriving **out, struct err *err);
	bool (*arriving_take)(struct blob_store *store, const char *base,
			      struct blob_arriving **out, struct err *err);
	bool (*arriving_write)(struct blob_arriving *arriving, struct str bytes, struct err *err);
	bool (*arriving_truncate)(struct blob_arriving *arriving, uint64_t size, struct err *err);
	bool (*arriving_reader)(struct blob_arriving *arriving, int *out_fd, struct err *err);
	bool (*scratch)(struct blob_store *store, int *out_fd, struct err *err);
	enum blob_seal_result (*arriving_seal)(struct blob_arriving *arriving, const char *name,
					       struct err *err);
	void (*arriving_free)(struct blob_arriving *arriving);
	bool (*sweep_arriving)(struct blob_store *store, uint64_t *out_removed, struct err *err);

	/* What a file holds need not be compared with what is wanted. */
	bool (*open_read)(struct blob_store *store, const char *name, const struct blob_want *want,
			  int *out_fd, uint64_t *out_size, struct err *err);
	bool (*has_place)(struct blob_store *store, const char *name);
	bool (*list)(struct blob_store *store, struct str prefix, struct str after,
		     struct blob_names *out, struct err *err);
	/* folder: "3f" or ""; adds to what is empty. */
	bool (*walk)(struct blob_store *store, const char *folder, struct blob_folder *out,
		     struct err *err);
	bool (*remove)(struct blob_store *store, const char *name, struct err *err);
	bool (*sync_place)(struct blob_store *store, const char *name, struct err *err);
	char *(*path)(struct blob_store *store, const char *name);
	bool (*free_bytes)(struct blob_store *store, uint64_t *out, struct err *err);

	/* Of a store on another machine; each NULL where what is above does as well. */
	void (*stop)(struct blob_store *store);
	struct mailbox *(*mailbox)(struct blob_store *store);
	void (*know)(struct blob_store *store, const char *id, bool is_used);
	bool (*claim)(struct blob_store *store, struct err *err);
	bool (*open_here)(struct blob_store *store, const char *name, int *out_fd,
			  uint64_t *out_size, struct err *err);
	void (*forget_here)(struct blob_store *store, const char *name);
	/* Each NULL where there is no cache. */
	bool (*here_walk)(struct blob_store *store, const char *folder, struct blob_folder *out,
			  struct err *err);
	void (*here_doubt)(struct blob_store *store, const char *folder);
	void (*here_drop)(struct blob_store *store, const char *name);
	void (*here_used)(struct blob_store *store, const char *name);
	/* All names that begin so; and what of that folder is coming is not kept. */
	void (*here_forget)(struct blob_store *store, const char *beginning);
	bool (*stat)(struct blob_store *store, const char *name, uint64_t *out_size,
		     struct err *err);
	bool (*read_content)(struct blob_store *store, const char *name, uint64_t size_most,
			     struct blob_content *out, struct err *err);
	bool (*address)(struct blob_store *store, const char *name,
			const struct blob_address_terms *terms, struct buf *out);
	void (*remote_facts)(struct blob_store *store, struct blob_remote_facts *out);
	bool (*gives_addresses)(struct blob_store *store);
	const char *(*origin)(struct blob_store *store);
	/* PUT and GET, whose name was checked: done() is called, on the loop of the reply. */
	void (*ask)(struct blob_store *store, struct blob_request *request);
};
