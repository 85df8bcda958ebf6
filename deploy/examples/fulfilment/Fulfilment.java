import static java.nio.charset.StandardCharsets.UTF_8;
import static java.nio.file.StandardOpenOption.*;

import com.fasterxml.jackson.core.JacksonException;
import com.fasterxml.jackson.databind.*;
import com.fasterxml.jackson.databind.node.*;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.*;
import java.nio.file.*;
import java.time.*;
import java.util.*;
import java.util.concurrent.locks.ReentrantLock;
import org.apache.kafka.clients.consumer.*;
import org.apache.kafka.common.*;
import org.apache.kafka.common.errors.*;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;

/**
 * Decides what to do with an order when confirmd says how its checkout ended.
 *
 * <pre>
 * checkout.outcomes ─► seen before? ─► decide ─► ledger (on disk) ─► stdout ─► commit the offset
 * </pre>
 *
 * Everything left of the ledger may run twice; what the ledger holds is never decided again. So it may be
 * killed at any moment, and stopping takes no more than that.
 */
public final class Fulfilment {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final ReentrantLock TELLING = new ReentrantLock();

    public static void main(String[] arguments) {
        // Kafka's client tells much about a normal start. -D on the command line still wins.
        System.getProperties().putIfAbsent("org.slf4j.simpleLogger.defaultLogLevel", "warn");
        // A polite end (SIGTERM) lets the decision that is on disk be told, and none begin: never unlocked.
        Runtime.getRuntime().addShutdownHook(new Thread(TELLING::lock));
        try {
            run(Options.parse(arguments));
        } catch (BadUsage problem) {
            fail(2, problem.getMessage() + "\n" + Options.USAGE);
        } catch (FencedInstanceIdException problem) {
            fail(1, "another process took this group over; only one may work in it, because the ledger is a file");
        } catch (KafkaException problem) {
            // The useful half (a host name that is none) is often in the cause.
            var cause = problem.getCause() == null ? "" : ": " + problem.getCause().getMessage();
            fail(1, "Kafka: " + problem.getMessage() + cause);
        } catch (FileSystemException problem) {
            // Its message is the path, its class the reason.
            fail(1, "ledger " + problem.getMessage() + ": " + problem.getClass().getSimpleName());
        } catch (IOException problem) {
            fail(1, "ledger: " + problem.getMessage());
        }
    }

    private static void run(Options options) throws IOException {
        try (var ledger = new Ledger(options.ledger());
                var consumer = new KafkaConsumer<byte[], byte[]>(options.kafka())) {
            // To subscribe alone would wait in silence for a broker or a topic that is not there.
            if (!consumer.listTopics(Duration.ofSeconds(30)).containsKey(options.topic())) {
                System.err.println("topic " + options.topic() + " does not exist yet: waiting for it");
            }
            consumer.subscribe(List.of(options.topic()));
            consume(consumer, ledger, options);
        }
    }

    private static void consume(KafkaConsumer<byte[], byte[]> consumer, Ledger ledger, Options options)
            throws IOException {
        var decided = 0;
        var idleSince = System.nanoTime();
        while (decided < options.stopAfter()) {
            var records = consumer.poll(Duration.ofMillis(200)).iterator();
            if (records.hasNext() || !caughtUp(consumer)) {
                idleSince = System.nanoTime();
            } else if (System.nanoTime() - idleSince >= options.idleExit().toNanos()) {
                return;
            }
            var done = new HashMap<TopicPartition, OffsetAndMetadata>();
            while (records.hasNext() && decided < options.stopAfter()) {
                var record = records.next();
                if (handle(Event.of(record), ledger)) {
                    decided++;
                }
                // What is committed is the next record to read.
                var next = new OffsetAndMetadata(record.offset() + 1);
                done.put(new TopicPartition(record.topic(), record.partition()), next);
            }
            try {
                consumer.commitSync(done);
            } catch (RetriableException | CommitFailedException problem) {
                // No harm: these records come again, and the ledger knows them.
                System.err.println("offsets not committed: " + problem.getMessage());
            }
        }
    }

    /** To join the group, or to wait for a slow broker, is not to be idle. */
    private static boolean caughtUp(Consumer<?, ?> consumer) {
        var partitions = consumer.assignment();
        return !partitions.isEmpty()
                && partitions.stream().allMatch(partition -> consumer.currentLag(partition).orElse(1) == 0);
    }

    /** Whether it led to a decision that was not on record. */
    private static boolean handle(Event event, Ledger ledger) throws IOException {
        if (ledger.holds(event)) {
            System.err.println("seen before: " + word(event.id()));
            return false;
        }
        var decision = decide(event);
        if (decision.isEmpty()) {
            // Not in the ledger: a later version of this program may know the type.
            System.err.println("ignored: " + word(event.type()) + " at " + event.source());
            return false;
        }
        TELLING.lock();
        try {
            // On disk first, told second: a crash in between leaves one decision, not two.
            ledger.append(event, decision.get());
            System.out.println(decision.get());
        } finally {
            TELLING.unlock();
        }
        return true;
    }

    /** What to do about an event, or nothing if its type says nothing to us. Reads its argument alone. */
    private static Optional<Decision> decide(Event event) {
        return Optional.ofNullable(switch (event.type()) {
            case "checkout.confirmed.v1" -> confirmed(event);
            case "checkout.payment-pending.v1" -> event.decision("wait", "charge " + event.text("chargeId"));
            case "checkout.declined.v1" ->
                event.decision("cancel", "because declined " + event.text("reasonCode"));
            case "checkout.cancelled.v1" -> event.decision("cancel", "because cancelled");
            case "checkout.expired.v1" -> event.decision("cancel", "because expired");
            case "checkout.unresolved.v1" -> event.decision("ask", "because unresolved");
            case "checkout.attempt-declined.v1" ->
                event.decision("tell-buyer", "because attempt-declined " + event.text("reasonCode"));
            case "" -> event.decision("ask", "because not a CloudEvent at " + event.source());
            default -> null;
        });
    }

    /** Ships only what is certainly paid, or reserved: a payment that we cannot read is neither. */
    private static Decision confirmed(Event event) {
        var charge = event.text("chargeId");
        return switch (event.text("payment")) {
            case "Captured", "Authorized" -> charge.equals("-")
                    ? event.decision("ask", "because confirmed without a charge")
                    : event.decision("ship", "charge " + charge);
            case "None" -> event.decision("charge-first", "permission " + event.text("chargePermissionId"));
            default -> event.decision("ask", "because confirmed with payment " + event.text("payment"));
        };
    }

    /** Text from outside becomes one word, so that it cannot pass for another column or a second line. */
    private static String word(String text) {
        return text.isEmpty() ? "-" : text.replaceAll("[\\s\\p{Cntrl}]", "_");
    }

    private record Decision(String what, String order, String session, String detail) {
        @Override
        public String toString() {
            return String.join(" ", what, order, "session", session, detail);
        }
    }

    /** A CloudEvent in binary mode: its attributes are headers, its data is the value. */
    private record Event(String id, String type, String subject, String source, JsonNode data) {
        static Event of(ConsumerRecord<?, byte[]> record) {
            var source = record.topic() + "/" + record.partition() + "/" + record.offset();
            var id = header(record, "ce_id");
            JsonNode data;
            try {
                data = JSON.readTree(record.value() == null ? new byte[0] : record.value());
            } catch (IOException unreadable) {
                // Data without fields: nothing ships on it, and the partition moves on.
                data = MissingNode.getInstance();
            }
            // Without an id the place must do: enough to ask a person once, not enough to ship.
            var type = id.isEmpty() ? "" : header(record, "ce_type");
            return new Event(id.isEmpty() ? source : id, type, header(record, "ce_subject"), source, data);
        }

        private static String header(ConsumerRecord<?, ?> record, String name) {
            var header = record.headers().lastHeader(name);
            return header == null || header.value() == null ? "" : new String(header.value(), UTF_8);
        }

        String text(String field) {
            return word(data.path(field).asText(""));
        }

        Decision decision(String what, String detail) {
            // The subject is the session, and is there even where the data cannot be read.
            return new Decision(what, text("merchantReferenceId"), word(subject), detail);
        }
    }

    /** What has been decided: one JSON line each, on disk before anybody hears of it. */
    private static final class Ledger implements AutoCloseable {
        private final FileChannel file;
        private final Set<String> ids = new HashSet<>();

        Ledger(Path path) throws IOException {
            file = FileChannel.open(path, CREATE, READ, WRITE);
            // Two processes on one ledger would not see each other's lines. The lock dies with its process.
            if (file.tryLock() == null) {
                throw new IOException(path + " is in use by another process");
            }
            var text = new String(Channels.newInputStream(file).readAllBytes(), UTF_8);
            var whole = text.substring(0, text.lastIndexOf('\n') + 1);
            // A last line without its end was cut off by a crash: never told, never committed, it comes again.
            file.truncate(whole.getBytes(UTF_8).length);
            for (var line : whole.lines().toList()) {
                ids.add(id(path, line));
            }
        }

        /** A damaged line may hide a shipment: better to stop than to ship it again. */
        private String id(Path path, String line) throws IOException {
            try {
                if (JSON.readTree(line).path("ceId") instanceof TextNode id) {
                    return id.textValue();
                }
            } catch (JacksonException notJson) {
                // Said below, and without the content.
            }
            throw new IOException(path + ", line " + (ids.size() + 1) + " is not JSON with a `ceId`");
        }

        boolean holds(Event event) {
            return ids.contains(event.id());
        }

        void append(Event event, Decision decision) throws IOException {
            var line = JSON.createObjectNode()
                    .put("ceId", event.id())
                    .put("ceType", event.type())
                    .put("decision", decision.what())
                    .put("merchantReferenceId", decision.order())
                    .put("checkoutSessionId", decision.session())
                    .put("detail", decision.detail())
                    .put("source", event.source())
                    .put("decidedAt", Instant.now().toString());
            var bytes = ByteBuffer.wrap((line + "\n").getBytes(UTF_8));
            while (bytes.hasRemaining()) {
                file.write(bytes);
            }
            // A flush for each decision is quick enough for a few a second, which is what Amazon allows.
            file.force(false);
            ids.add(event.id());
        }

        @Override
        public void close() throws IOException {
            file.close();
        }
    }

    private static final class BadUsage extends Exception {
        BadUsage(String message) {
            super(message);
        }
    }

    private record Options(
            Map<String, Object> kafka, String topic, Path ledger, Duration idleExit, int stopAfter) {
        static final String USAGE = """
                usage: java -cp 'JARS/*' Fulfilment.java --bootstrap HOST:PORT --topic TOPIC --group GROUP
                            --ledger FILE [--idle-exit-seconds N | --stop-after N]""";

        static Options parse(String[] arguments) throws BadUsage {
            var rest = new HashMap<String, String>();
            for (var i = 0; i < arguments.length; i += 2) {
                rest.put(arguments[i], i + 1 < arguments.length ? arguments[i + 1] : "");
            }
            var kafka = Map.<String, Object>of(
                    ConsumerConfig.BOOTSTRAP_SERVERS_CONFIG, take(rest, "--bootstrap"),
                    ConsumerConfig.GROUP_ID_CONFIG, take(rest, "--group"),
                    // One member by name: a restart gets its partitions back at once, and a second process,
                    // which would not know this ledger, cannot work beside it.
                    ConsumerConfig.GROUP_INSTANCE_ID_CONFIG, "fulfilment",
                    // A new group starts with the oldest outcome: the newest would leave out paid orders.
                    ConsumerConfig.AUTO_OFFSET_RESET_CONFIG, "earliest",
                    // Left to a timer, an offset could be committed before its decision is on disk.
                    ConsumerConfig.ENABLE_AUTO_COMMIT_CONFIG, false,
                    ConsumerConfig.ALLOW_AUTO_CREATE_TOPICS_CONFIG, false,
                    ConsumerConfig.KEY_DESERIALIZER_CLASS_CONFIG, ByteArrayDeserializer.class,
                    ConsumerConfig.VALUE_DESERIALIZER_CLASS_CONFIG, ByteArrayDeserializer.class);
            var topic = take(rest, "--topic");
            var ledger = Path.of(take(rest, "--ledger"));
            var idleExit = Duration.ofSeconds(number(rest, "--idle-exit-seconds"));
            var stopAfter = number(rest, "--stop-after");
            if (!rest.isEmpty()) {
                throw new BadUsage("unknown: " + String.join(" ", rest.keySet()));
            }
            return new Options(kafka, topic, ledger, idleExit, stopAfter);
        }

        private static String take(Map<String, String> rest, String option) throws BadUsage {
            var value = rest.remove(option);
            if (value == null || value.isEmpty()) {
                throw new BadUsage(option + " needs a value");
            }
            return value;
        }

        /** So many that it never comes, where the option is not given. */
        private static int number(Map<String, String> rest, String option) throws BadUsage {
            if (!rest.containsKey(option)) {
                return Integer.MAX_VALUE;
            }
            var text = take(rest, option);
            if (!text.matches("[1-9][0-9]{0,8}")) {
                throw new BadUsage(option + " takes a whole number from 1");
            }
            return Integer.parseInt(text);
        }
    }

    private static void fail(int status, String message) {
        System.err.println("fulfilment: " + message);
        System.exit(status);
    }
}
