package id.jejak.bench.lean;

import id.jejak.bench.Progress;
import id.jejak.bench.Projection;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.common.utils.Bytes;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StoreQueryParameters;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.processor.api.ProcessorSupplier;
import org.apache.kafka.streams.state.KeyValueIterator;
import org.apache.kafka.streams.state.QueryableStoreTypes;
import org.apache.kafka.streams.state.Stores;

/** The least that the projection can cost in Streams: a processor of its own, and binary rows packed by hand. */
public final class Lean implements Projection {
  @Override
  public Topology topology(String topic, Progress progress) {
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

  @Override
  public Built built(KafkaStreams streams) {
    return new Built(
        Lean.<Bytes>count(streams, Timeline.TIMELINE), Lean.<String>count(streams, Timeline.APPLICATION));
  }

  private static <K> long count(KafkaStreams streams, String store) {
    var rows = streams.store(
        StoreQueryParameters.fromNameAndType(store, QueryableStoreTypes.<K, byte[]>keyValueStore()));
    long count = 0;
    try (KeyValueIterator<K, byte[]> all = rows.all()) {
      for (; all.hasNext(); all.next()) {
        count++;
      }
    }
    return count;
  }
}
