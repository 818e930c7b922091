#include "record/inspect/queue.h"

#include <stdio.h>
#include <string.h>

/* Room for a path of n bytes; NULL: there is none. */
static char *queue_text(struct object_queue *q, size_t n)
{
	size_t tail, at;

	if (!q->n) /* from the beginning, whose memory is there already */
		q->first = q->head = 0;
	tail = q->n ? (size_t)(q->at[q->first].key.path - q->text) : N_PATH_BYTES;
	at = q->head;
	if (q->n && at > tail) {
		tail = N_PATH_BYTES;
		if (tail - at < n) {
			tail = (size_t)(q->at[q->first].key.path - q->text);
			at = 0;
		}
	}
	if (tail - at < n)
		return NULL;
	q->head = at + n;
	return q->text + at;
}

bool object_queue_put(struct object_queue *q, const struct object_request *request)
{
	size_t n_path = strnlen(request->key.path, PATH_MAX_BYTES - 1);
	char *path;

	if (q->n == N_OBJECTS_QUEUED)
		return false;
	path = queue_text(q, n_path + 1);
	if (!path)
		return false;
	memcpy(path, request->key.path, n_path);
	path[n_path] = '\0';
	struct object_request *r = &q->at[(q->first + q->n++) % N_OBJECTS_QUEUED];
	*r = *request;
	r->key.path = path;
	return true;
}

void object_queue_take(struct object_queue *q, struct object_request *ret, char *path)
{
	*ret = q->at[q->first];
	snprintf(path, PATH_MAX_BYTES, "%s", ret->key.path);
	ret->key.path = path;
	q->first = (q->first + 1) % N_OBJECTS_QUEUED;
	q->n--;
}
