package id.jejak.bench.dsl;

import com.fasterxml.jackson.databind.JsonNode;

/**
 * One event on a timeline, with its data as they came. {@code at} is the event's own time, {@code recorded} when the log had
 * it, both in microseconds since 1970; {@code offset} is its place in the log.
 */
record Entry(String source, String id, String fact, long at, long recorded, long offset, JsonNode data) {
  /** Whether this is the same event, delivered again. */
  boolean repeats(Entry other) {
    return id.equals(other.id) && source.equals(other.source);
  }
}
