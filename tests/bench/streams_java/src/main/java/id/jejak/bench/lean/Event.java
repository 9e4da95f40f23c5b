package id.jejak.bench.lean;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import java.io.IOException;
import java.time.DateTimeException;
import java.time.Instant;

/**
 * What the projection needs of a CloudEvent, read in one pass by Jackson's streaming parser: no tree, no binding.
 *
 * <p>{@code dataFrom} and {@code dataTo} are where the event's data lie in the record's value, as received. Of the data
 * themselves only {@code service}, {@code office} and the desk of who acted are read.
 */
record Event(String id, String source, String fact, long atMicros, String service, String office, String desk, int dataFrom, int dataTo) {
  private static final JsonFactory JSON = new JsonFactory();
  private static final String PREFIX = "id.jejak.application.";
  private static final String VERSION = ".v1";

  /** Reads one record's value. Throws {@link IOException} for what is no event. */
  static Event read(byte[] value) throws IOException {
    String id = null, source = null, fact = null, service = null, office = null, desk = "", within = null;
    long at = 0;
    int from = 0, to = 0;
    try (JsonParser json = JSON.createParser(value)) {
      if (json.nextToken() != JsonToken.START_OBJECT) {
        throw new IOException("no JSON object");
      }
      while (json.nextToken() == JsonToken.FIELD_NAME) {
        String name = json.currentName();
        JsonToken token = json.nextToken();
        switch (name) {
          case "id" -> id = json.getText();
          case "source" -> source = json.getText();
          case "type" -> fact = factOf(json.getText());
          case "time" -> at = micros(json.getText());
          case "data" -> {
            from = (int) json.currentTokenLocation().getByteOffset();
            for (int depth = 1; depth > 0; ) {
              token = json.nextToken();
              if (token == null) {
                throw new IOException("the data do not end");
              } else if (token.isStructStart()) {
                depth++;
              } else if (token.isStructEnd()) {
                depth--;
              } else if (depth == 1 && token == JsonToken.FIELD_NAME) {
                within = json.currentName();
              } else if (depth == 2 && "by".equals(within) && token == JsonToken.VALUE_STRING) {
                if (json.currentName().equals("desk")) {
                  desk = json.getText();
                }
              } else if (depth == 1 && token == JsonToken.VALUE_STRING) {
                if (json.currentName().equals("service")) {
                  service = json.getText();
                } else if (json.currentName().equals("office")) {
                  office = json.getText();
                }
              }
            }
            to = (int) json.currentLocation().getByteOffset();
          }
          default -> json.skipChildren();
        }
      }
    }
    if (id == null || source == null || fact == null || to == 0) {
      throw new IOException("no event of an application");
    }
    return new Event(id, source, fact, at, service, office, desk, from, to);
  }

  private static String factOf(String type) throws IOException {
    if (!type.startsWith(PREFIX) || !type.endsWith(VERSION)) {
      throw new IOException("not a fact: " + type);
    }
    return type.substring(PREFIX.length(), type.length() - VERSION.length());
  }

  private static long micros(String time) throws IOException {
    try {
      Instant at = Instant.parse(time);
      return at.getEpochSecond() * 1_000_000 + at.getNano() / 1_000;
    } catch (DateTimeException malformed) {
      throw new IOException("not a time: " + time, malformed);
    }
  }
}
