package id.jejak.bench;

import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.Topology;

/** One way to write the projection with Kafka Streams. */
public interface Projection {
  /** From {@code topic} into state stores; tells {@code progress} of every record that it reads. */
  Topology topology(String topic, Progress progress);

  /** What its stores hold. Reads all of them: to be asked when the clock has stopped. */
  Built built(KafkaStreams streams);

  /** Events on the timelines, and the applications that they are about. */
  record Built(long events, long applications) {}
}
