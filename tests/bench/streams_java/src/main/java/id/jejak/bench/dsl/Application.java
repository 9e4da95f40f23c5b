package id.jejak.bench.dsl;

import java.util.ArrayList;
import java.util.List;

/** What is known of one application: where it stands, and every event that it has had, in the order of the log. */
record Application(Status status, List<Entry> timeline) {
  /** Before its first event. */
  static Application begun() {
    return new Application(Status.begun(), List.of());
  }

  /** With one more event; as it is when that event has been taken in before. */
  Application with(Entry entry) {
    if (timeline.stream().anyMatch(entry::repeats)) {
      return this;
    }
    List<Entry> longer = new ArrayList<>(timeline.size() + 1);
    longer.addAll(timeline);
    longer.add(entry);
    return new Application(status.after(entry), longer);
  }
}
