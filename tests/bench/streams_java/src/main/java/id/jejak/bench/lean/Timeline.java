package id.jejak.bench.lean;

import id.jejak.bench.Progress;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import org.apache.kafka.common.utils.Bytes;
import org.apache.kafka.streams.processor.api.Processor;
import org.apache.kafka.streams.processor.api.ProcessorContext;
import org.apache.kafka.streams.processor.api.Record;
import org.apache.kafka.streams.processor.api.RecordMetadata;
import org.apache.kafka.streams.state.KeyValueStore;

/**
 * The projection as a Streams processor: one row of the timeline an event, one status an application.
 *
 * <p>By the Processor API, because an aggregation of the DSL would write the whole timeline again with every event. A row
 * is written once; a status is read and written once an event.
 */
final class Timeline implements Processor<String, byte[], Void, Void> {
  static final String TIMELINE = "timeline";
  static final String APPLICATION = "application";

  private final Progress progress;
  private ProcessorContext<Void, Void> context;
  private KeyValueStore<Bytes, byte[]> timeline;
  private KeyValueStore<String, byte[]> applications;

  Timeline(Progress progress) {
    this.progress = progress;
  }

  @Override
  public void init(ProcessorContext<Void, Void> context) {
    this.context = context;
    timeline = context.getStateStore(TIMELINE);
    applications = context.getStateStore(APPLICATION);
  }

  @Override
  public void process(Record<String, byte[]> record) {
    progress.begin();
    RecordMetadata place = context.recordMetadata().orElseThrow();
    String number = record.key();
    byte[] value = record.value();
    try {
      if (number == null || value == null) {
        throw new IOException("no application, or nothing about it");
      }
      Event event = Event.read(value);
      byte[] packed = applications.get(number);
      Status status = packed == null ? new Status() : Status.unpacked(packed);
      long recorded = record.timestamp() * 1_000;
      if (status.take(event, place.offset(), recorded)) {
        timeline.put(key(number, status.n), row(event, value, place.offset(), recorded));
        applications.put(number, status.packed());
      }
    } catch (IOException malformed) {
      progress.refuse();
    }
    if (progress.passed(place.partition(), place.offset())) {
      context.commit(); // the last record of the partition: no need to wait for the next interval
    }
  }

  private static Bytes key(String number, int n) {
    byte[] text = number.getBytes(StandardCharsets.UTF_8);
    return Bytes.wrap(ByteBuffer.allocate(text.length + 4).put(text).putInt(n).array());
  }

  private static byte[] row(Event event, byte[] value, long offset, long recorded) {
    byte[] fact = event.fact().getBytes(StandardCharsets.UTF_8);
    byte[] source = event.source().getBytes(StandardCharsets.UTF_8);
    byte[] id = event.id().getBytes(StandardCharsets.UTF_8);
    int size = event.dataTo() - event.dataFrom();
    return ByteBuffer.allocate(3 * 8 + 3 * 2 + fact.length + source.length + id.length + size)
        .putLong(offset).putLong(event.atMicros()).putLong(recorded)
        .putShort((short) fact.length).put(fact)
        .putShort((short) source.length).put(source)
        .putShort((short) id.length).put(id)
        .put(value, event.dataFrom(), size)
        .array();
  }
}
