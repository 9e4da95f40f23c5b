package id.jejak.bench.dsl;

import com.fasterxml.jackson.annotation.JsonIgnoreProperties;
import com.fasterxml.jackson.databind.JsonNode;
import java.time.DateTimeException;
import java.time.Instant;
import java.util.Optional;

/** A record's value, as far as the projection needs it. */
@JsonIgnoreProperties(ignoreUnknown = true)
record CloudEvent(String id, String source, String type, String time, JsonNode data) {
  private static final String PREFIX = "id.jejak.application.";
  private static final String VERSION = ".v1";

  /** As an entry of the timeline; empty when this is no event of an application. */
  Optional<Entry> entry(long recorded, long offset) {
    if (id == null || source == null || type == null || time == null || data == null || !data.isObject()
        || !type.startsWith(PREFIX) || !type.endsWith(VERSION)) {
      return Optional.empty();
    }
    String fact = type.substring(PREFIX.length(), type.length() - VERSION.length());
    try {
      Instant at = Instant.parse(time);
      long micros = at.getEpochSecond() * 1_000_000 + at.getNano() / 1_000;
      return Optional.of(new Entry(source, id, fact, micros, recorded, offset, data));
    } catch (DateTimeException malformed) {
      return Optional.empty();
    }
  }
}
