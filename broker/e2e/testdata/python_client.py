"""usage: python_client.py sub|pub tcp|ws PORT VERSION QOS TOPIC [TEXT retain|live]"""

import sys

import paho.mqtt.client as mqtt

mode, transport, port, version, qos, topic = sys.argv[1:7]
qos = int(qos)
failed = []

options = {"protocol": int(version), "transport": "websockets" if transport == "ws" else "tcp"}
if int(version) == 4:
    options["clean_session"] = True
client = mqtt.Client(f"paho-python-{mode}-{transport}-{version}-{qos}", **options)


def on_connect(client, userdata, flags, code, properties=None):
    if code != 0:
        failed.append(code)
        client.disconnect()
    elif mode == "sub":
        client.subscribe(topic, qos)
    else:
        client.publish(topic, sys.argv[7], qos, sys.argv[8] == "retain")


def on_publish(client, userdata, mid):
    client.disconnect()


def on_message(client, userdata, message):
    print(f"qos{message.qos} retain{int(message.retain)} {message.payload.decode()}", flush=True)


client.on_connect, client.on_publish, client.on_message = on_connect, on_publish, on_message
client.connect("127.0.0.1", int(port))
client.loop_forever()
sys.exit(f"refused: {failed}" if failed else 0)
