package id.jejak.bench.dsl;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Where an application stands: how many events, what last happened and when, the service and the office, when each fact was
 * first reached, and since when the last of these has been so. Times in microseconds since 1970.
 */
record Status(
    int events, String last, long lastAt, long lastRecorded, long lastOffset, String service, String office, long since,
    Map<String, Long> reached) {
  /** Before the first event. */
  static Status begun() {
    return new Status(0, null, 0, 0, 0, null, null, 0, Map.of());
  }

  Status after(Entry entry) {
    boolean first = !reached.containsKey(entry.fact());
    Map<String, Long> facts = reached;
    if (first) {
      facts = new LinkedHashMap<>(reached);
      facts.put(entry.fact(), entry.at());
    }
    return new Status(
        events + 1, entry.fact(), entry.at(), entry.recorded(), entry.offset(),
        text(entry.data(), "service", service), text(entry.data(), "office", office),
        first ? entry.at() : since, facts);
  }

  private static String text(JsonNode data, String name, String before) {
    JsonNode found = data.get(name);
    return found != null && found.isTextual() ? found.textValue() : before;
  }
}
