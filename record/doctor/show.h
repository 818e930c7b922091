/* Checks -> text for people, one line each; or one JSON object. Private to the room. */
#ifndef RECORD_DOCTOR_SHOW_H
#define RECORD_DOCTOR_SHOW_H

struct buf;
struct checks;

void show_text(const struct checks *c, struct buf *out);

/*
 * {"format":"ddprof-record doctor","version":1, ...}, a newline: ddprof-record(1), "Doctor".
 * Keys are only ever added within a version.
 */
void show_json(const struct checks *c, struct buf *out);

#endif
