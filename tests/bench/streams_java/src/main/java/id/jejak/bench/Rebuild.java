package id.jejak.bench;

import id.jejak.bench.dsl.Aggregation;
import id.jejak.bench.lean.Lean;
import java.io.FileReader;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.atomic.AtomicReference;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.errors.StreamsUncaughtExceptionHandler.StreamThreadExceptionResponse;

/**
 * Builds the projection of a topic from its beginning and says how long it took: {@code Rebuild dsl|lean PROPERTIES TOPIC}.
 *
 * <p>PROPERTIES is a file of Streams settings, among them bootstrap.servers, application.id and state.dir. The time is taken
 * when the committed offsets, as the broker has them, are the ends of the partitions; what the stores hold is counted after
 * that. Prints one line of JSON.
 */
public final class Rebuild {
  private Rebuild() {}

  public static void main(String[] arguments) throws Exception {
    Projection projection = projection(arguments[0]);
    Properties settings = new Properties();
    try (FileReader file = new FileReader(arguments[1])) {
      settings.load(file);
    }
    String topic = arguments[2];
    AtomicReference<Throwable> failure = new AtomicReference<>();
    try (Admin admin = Admin.create(Map.of("bootstrap.servers", settings.getProperty("bootstrap.servers")))) {
      Map<Integer, Long> ends = ends(admin, topic);
      Progress progress = new Progress(ends);
      try (KafkaStreams streams = new KafkaStreams(projection.topology(topic, progress), settings)) {
        streams.setUncaughtExceptionHandler(error -> {
          failure.set(error);
          return StreamThreadExceptionResponse.SHUTDOWN_CLIENT;
        });
        streams.start();
        double processed = waitForRecords(progress, ends, failure);
        double committed = waitForCommits(admin, settings, topic, ends, progress, failure);
        Projection.Built built = projection.built(streams);
        System.out.printf(
            Locale.ROOT,
            "{\"records\":%d,\"refused\":%d,\"events\":%d,\"applications\":%d,\"processed_s\":%.3f,\"committed_s\":%.3f}%n",
            progress.records(), progress.refused(), built.events(), built.applications(), processed, committed);
      }
    }
  }

  private static Projection projection(String name) {
    return switch (name) {
      case "dsl" -> new Aggregation();
      case "lean" -> new Lean();
      default -> throw new IllegalArgumentException("dsl or lean, not " + name);
    };
  }

  private static Map<Integer, Long> ends(Admin admin, String topic) throws Exception {
    Map<TopicPartition, OffsetSpec> wanted = new HashMap<>();
    admin.describeTopics(List.of(topic)).allTopicNames().get().get(topic).partitions()
        .forEach(partition -> wanted.put(new TopicPartition(topic, partition.partition()), OffsetSpec.latest()));
    Map<Integer, Long> ends = new HashMap<>();
    admin.listOffsets(wanted).all().get().forEach((place, found) -> ends.put(place.partition(), found.offset()));
    return ends;
  }

  private static double waitForRecords(Progress progress, Map<Integer, Long> ends, AtomicReference<Throwable> failure)
      throws Exception {
    long all = ends.values().stream().mapToLong(Long::longValue).sum();
    while (progress.records() < all) {
      raise(failure);
      Thread.sleep(2);
    }
    return progress.secondsSinceBeginning();
  }

  private static double waitForCommits(
      Admin admin, Properties settings, String topic, Map<Integer, Long> ends, Progress progress,
      AtomicReference<Throwable> failure) throws Exception {
    String group = settings.getProperty(StreamsConfig.APPLICATION_ID_CONFIG);
    while (true) {
      raise(failure);
      Map<TopicPartition, OffsetAndMetadata> committed =
          admin.listConsumerGroupOffsets(group).partitionsToOffsetAndMetadata().get();
      double now = progress.secondsSinceBeginning();
      boolean all = ends.entrySet().stream().allMatch(end -> {
        OffsetAndMetadata found = committed.get(new TopicPartition(topic, end.getKey()));
        return end.getValue() == 0 || found != null && found.offset() >= end.getValue();
      });
      if (all) {
        return now;
      }
      Thread.sleep(5);
    }
  }

  private static void raise(AtomicReference<Throwable> failure) {
    if (failure.get() != null) {
      throw new IllegalStateException("Streams ended", failure.get());
    }
  }
}
