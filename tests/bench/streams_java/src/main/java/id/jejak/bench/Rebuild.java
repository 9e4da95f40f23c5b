package id.jejak.bench;

import java.io.FileReader;
import java.util.HashMap;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.atomic.AtomicReference;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.errors.StreamsUncaughtExceptionHandler.StreamThreadExceptionResponse;
import org.apache.kafka.streams.processor.api.ProcessorSupplier;
import org.apache.kafka.streams.state.Stores;

/**
 * Builds the projection of a topic from its beginning and says how long it took: {@code Rebuild PROPERTIES TOPIC}.
 *
 * <p>PROPERTIES is a file of Streams settings, among them bootstrap.servers, application.id and state.dir. It ends when the
 * committed offsets, as the broker has them, are the ends of the partitions. Prints one line of JSON.
 */
public final class Rebuild {
  private Rebuild() {}

  public static void main(String[] arguments) throws Exception {
    Properties settings = new Properties();
    try (FileReader file = new FileReader(arguments[0])) {
      settings.load(file);
    }
    String topic = arguments[1];
    AtomicReference<Throwable> failure = new AtomicReference<>();
    try (Admin admin = Admin.create(Map.of("bootstrap.servers", settings.getProperty("bootstrap.servers")))) {
      Map<Integer, Long> ends = ends(admin, topic);
      Progress progress = new Progress(ends);
      try (KafkaStreams streams = new KafkaStreams(topology(topic, progress), settings)) {
        streams.setUncaughtExceptionHandler(error -> {
          failure.set(error);
          return StreamThreadExceptionResponse.SHUTDOWN_CLIENT;
        });
        streams.start();
        double processed = waitForRecords(progress, ends, failure);
        double committed = waitForCommits(admin, settings, topic, ends, progress, failure);
        System.out.printf(
            "{\"records\":%d,\"refused\":%d,\"processed_s\":%.3f,\"committed_s\":%.3f}%n",
            progress.records(), progress.refused(), processed, committed);
      }
    }
  }

  private static Topology topology(String topic, Progress progress) {
    // The status is read and written again and again: cached, as the DSL would have it. A row is written once: not cached.
    var timeline = Stores.keyValueStoreBuilder(
        Stores.persistentKeyValueStore(Timeline.TIMELINE), Serdes.Bytes(), Serdes.ByteArray());
    var application = Stores.keyValueStoreBuilder(
        Stores.persistentKeyValueStore(Timeline.APPLICATION), Serdes.String(), Serdes.ByteArray()).withCachingEnabled();
    ProcessorSupplier<String, byte[], Void, Void> supplier = () -> new Timeline(progress);
    Topology topology = new Topology();
    topology.addSource("log", Serdes.String().deserializer(), Serdes.ByteArray().deserializer(), topic);
    topology.addProcessor("projection", supplier, "log");
    topology.addStateStore(timeline, "projection");
    topology.addStateStore(application, "projection");
    return topology;
  }

  private static Map<Integer, Long> ends(Admin admin, String topic) throws Exception {
    Map<TopicPartition, OffsetSpec> wanted = new HashMap<>();
    admin.describeTopics(java.util.List.of(topic)).allTopicNames().get().get(topic).partitions()
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
