package id.jejak.bench.lean;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * Where one application stands: how many events, since when, what last happened, when each fact was first reached, a
 * journal of every event (when, when known, which fact, which desk) as our own status holds it for its clocks, and the
 * marks of the events that were taken in, eight bytes each, by which a repeated event is known.
 *
 * <p>A fixed binary form, packed and read by hand: the cheapest of all serdes.
 */
final class Status {
  private static final String[] FACTS = {
    "submitted", "documents_requested", "document_supplied", "documents_verified", "fee_assessed", "fee_paid", "invited",
    "examined", "decided", "issued", "collected", "withdrawn", "paused", "resumed", "transferred", "deadline_passed",
    "notification_sent", "notification_failed", "personal_data_erased", "stage_recorded",
  };

  int n;
  private long lastAt;
  private long lastRecorded;
  private long lastOffset;
  private long since;
  private String service = "";
  private String office = "";
  private final long[] reached = new long[FACTS.length];
  private int stages;
  private byte[] journal = new byte[0];
  private long[] seen = new long[0];

  /** Takes an event in; false when it had been taken in before. */
  boolean take(Event event, long offset, long recorded) {
    long mark = 31L * event.id().hashCode() * 0x9E3779B97F4A7C15L + mix(event.id()) + event.source().hashCode();
    for (long earlier : seen) {
      if (earlier == mark) {
        return false;
      }
    }
    seen = Arrays.copyOf(seen, seen.length + 1);
    seen[seen.length - 1] = mark;
    n++;
    lastAt = event.atMicros();
    lastRecorded = recorded;
    lastOffset = offset;
    if (event.service() != null) {
      service = event.service();
    }
    if (event.office() != null) {
      office = event.office();
    }
    int fact = Arrays.asList(FACTS).indexOf(event.fact());
    byte[] desk = event.desk().getBytes(StandardCharsets.UTF_8);
    journal = ByteBuffer.allocate(journal.length + 8 + 8 + 1 + 1 + desk.length)
        .put(journal).putLong(event.atMicros()).putLong(recorded).put((byte) fact).put((byte) desk.length).put(desk)
        .array();
    if (fact >= 0 && (stages >> fact & 1) == 0) {
      stages |= 1 << fact;
      reached[fact] = event.atMicros();
      since = event.atMicros();
    }
    return true;
  }

  private static long mix(String id) {
    long mixed = 0xCBF29CE484222325L;
    for (int place = 0; place < id.length(); place++) {
      mixed = (mixed ^ id.charAt(place)) * 0x100000001B3L;
    }
    return mixed;
  }

  byte[] packed() {
    byte[] ofService = service.getBytes(StandardCharsets.UTF_8);
    byte[] ofOffice = office.getBytes(StandardCharsets.UTF_8);
    ByteBuffer into = ByteBuffer.allocate(
        4 + 4 * 8 + 4 + 8 * Integer.bitCount(stages) + 2 + ofService.length + ofOffice.length
            + 4 + journal.length + 8 * seen.length);
    into.putInt(n).putLong(lastAt).putLong(lastRecorded).putLong(lastOffset).putLong(since).putInt(stages);
    for (int fact = 0; fact < FACTS.length; fact++) {
      if ((stages >> fact & 1) == 1) {
        into.putLong(reached[fact]);
      }
    }
    into.put((byte) ofService.length).put(ofService).put((byte) ofOffice.length).put(ofOffice);
    into.putInt(journal.length).put(journal);
    for (long mark : seen) {
      into.putLong(mark);
    }
    return into.array();
  }

  static Status unpacked(byte[] packed) {
    Status status = new Status();
    ByteBuffer from = ByteBuffer.wrap(packed);
    status.n = from.getInt();
    status.lastAt = from.getLong();
    status.lastRecorded = from.getLong();
    status.lastOffset = from.getLong();
    status.since = from.getLong();
    status.stages = from.getInt();
    for (int fact = 0; fact < FACTS.length; fact++) {
      if ((status.stages >> fact & 1) == 1) {
        status.reached[fact] = from.getLong();
      }
    }
    status.service = text(from);
    status.office = text(from);
    status.journal = new byte[from.getInt()];
    from.get(status.journal);
    status.seen = new long[from.remaining() / 8];
    for (int place = 0; place < status.seen.length; place++) {
      status.seen[place] = from.getLong();
    }
    return status;
  }

  private static String text(ByteBuffer from) {
    byte[] bytes = new byte[from.get()];
    from.get(bytes);
    return new String(bytes, StandardCharsets.UTF_8);
  }
}
