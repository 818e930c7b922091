/* What the recorder left out to spare CPU, for `info`. */
#ifndef REPORT_CMD_INFO_GOVERNED_H
#define REPORT_CMD_INFO_GOVERNED_H

struct buf;
struct recording;

/* A line for each step; nothing where all was recorded. */
void info_governed_text(struct buf *out, const struct recording *r);
/* ,"governed":[{"time_ns":1,"stack_bytes":4096,"off":["offcpu"]}] */
void info_governed_json(struct buf *out, const struct recording *r);

#endif
