package id.jejak.bench.dsl;

import com.fasterxml.jackson.databind.ObjectReader;
import id.jejak.bench.Progress;
import java.io.IOException;
import java.util.Optional;
import org.apache.kafka.streams.processor.api.ContextualFixedKeyProcessor;
import org.apache.kafka.streams.processor.api.FixedKeyRecord;
import org.apache.kafka.streams.processor.api.RecordMetadata;

/**
 * Makes an entry of a record, with its place in the log, which an aggregator of the DSL is not told. Counts and drops what is
 * no event.
 */
final class Reading extends ContextualFixedKeyProcessor<String, byte[], Entry> {
  private static final ObjectReader EVENTS = Json.MAPPER.readerFor(CloudEvent.class);

  private final Progress progress;

  Reading(Progress progress) {
    this.progress = progress;
  }

  @Override
  public void process(FixedKeyRecord<String, byte[]> record) {
    progress.begin();
    RecordMetadata place = context().recordMetadata().orElseThrow();
    Optional<Entry> entry = read(record, place.offset());
    if (entry.isPresent()) {
      context().forward(record.withValue(entry.get()));
    } else {
      progress.refuse();
    }
    if (progress.passed(place.partition(), place.offset())) {
      context().commit(); // the last record of the partition: no need to wait for the next interval
    }
  }

  private static Optional<Entry> read(FixedKeyRecord<String, byte[]> record, long offset) {
    if (record.key() == null || record.value() == null) {
      return Optional.empty();
    }
    try {
      CloudEvent event = EVENTS.readValue(record.value());
      return event == null ? Optional.empty() : event.entry(record.timestamp() * 1_000, offset);
    } catch (IOException malformed) {
      return Optional.empty();
    }
  }
}
