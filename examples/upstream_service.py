"""An upstream service in twenty lines: it tells Headrace through Kafka what happened to a contact.

python examples/upstream_service.py BOOTSTRAP CONTACT_ID          a new lead came in from an advertisement
python examples/upstream_service.py BOOTSTRAP CONTACT_ID REPLY    she answered by SMS
"""

import json
import os
import sys
import uuid
from datetime import UTC, datetime

from confluent_kafka import Producer

bootstrap, contact_id, *reply = sys.argv[1:] if sys.argv[2:] else sys.exit(__doc__)
topic = os.environ.get("HEADRACE_CONTACT_EVENTS_TOPIC", "contact-events")
# With murmur2, Java's default, all services put a contact's events into the same partition, in order: its home.
producer = Producer({"bootstrap.servers": bootstrap, "partitioner": "murmur2_random", "enable.idempotence": True})

if reply:
    kind, data = "contact.sms_received", {"body": reply[0]}
else:
    lead = {"first_name": "Ada", "phone": "+15550001111", "email": "ada@example.com", "source": "facebook_ad"}
    kind, data = "contact.created", {"contact": lead}
# The id makes it safe to send an event twice: the second one is a duplicate.
event = {"type": kind, "contact_id": contact_id, "id": str(uuid.uuid4()), "data": data}
event["time"] = datetime.now(UTC).isoformat()

failures: list[str] = []
producer.produce(
    topic,
    key=contact_id,
    value=json.dumps(event),
    on_delivery=lambda error, _: failures.append(str(error)) if error else None,
)
if producer.flush(30) or failures:
    sys.exit(f"the event did not reach Kafka: {', '.join(failures) or 'no answer within 30 s'}")
