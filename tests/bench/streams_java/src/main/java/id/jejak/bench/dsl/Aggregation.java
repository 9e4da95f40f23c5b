package id.jejak.bench.dsl;

import id.jejak.bench.Progress;
import id.jejak.bench.Projection;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.common.utils.Bytes;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StoreQueryParameters;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.kstream.Consumed;
import org.apache.kafka.streams.kstream.Materialized;
import org.apache.kafka.streams.state.KeyValueIterator;
import org.apache.kafka.streams.state.KeyValueStore;
import org.apache.kafka.streams.state.QueryableStoreTypes;

/**
 * The projection as the DSL invites one to write it: the events of an application are grouped by its number and aggregated
 * into one value, its status and its timeline, as JSON in a persistent store (RocksDB) with a cache and a changelog topic.
 */
public final class Aggregation implements Projection {
  private static final String APPLICATIONS = "applications";

  @Override
  public Topology topology(String topic, Progress progress) {
    StreamsBuilder builder = new StreamsBuilder();
    builder.stream(topic, Consumed.with(Serdes.String(), Serdes.ByteArray()))
        .processValues(() -> new Reading(progress)) // keeps the key: nothing is partitioned anew
        .groupByKey()
        .aggregate(
            Application::begun,
            (number, entry, application) -> application.with(entry),
            Materialized.<String, Application, KeyValueStore<Bytes, byte[]>>as(APPLICATIONS)
                .withKeySerde(Serdes.String())
                .withValueSerde(Json.serde(Application.class)));
    return builder.build();
  }

  @Override
  public Built built(KafkaStreams streams) {
    var store = streams.store(StoreQueryParameters.fromNameAndType(
        APPLICATIONS, QueryableStoreTypes.<String, Application>keyValueStore()));
    long events = 0;
    long applications = 0;
    try (KeyValueIterator<String, Application> all = store.all()) {
      while (all.hasNext()) {
        events += all.next().value.timeline().size();
        applications++;
      }
    }
    return new Built(events, applications);
  }
}
