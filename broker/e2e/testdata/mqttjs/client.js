// usage: client.js sub|pub URL VERSION QOS TOPIC [TEXT retain|live]
const mqtt = require('mqtt')
const [, , mode, url, version, qos, topic, text, retain] = process.argv

const client = mqtt.connect(url, {
  protocolVersion: Number(version),
  clientId: `mqttjs-${mode}-${process.pid}`,
  reconnectPeriod: 0,
})

client.on('error', (err) => {
  console.error(err.message)
  process.exit(1)
})
client.on('message', (_, payload, packet) => {
  console.log(`qos${packet.qos} retain${Number(packet.retain)} ${payload}`)
})
client.on('connect', () => {
  if (mode === 'sub') {
    client.subscribe(topic, { qos: Number(qos) }, (err, granted) => {
      if (err || granted[0].qos !== Number(qos)) {
        console.error('not granted', err, granted)
        process.exit(1)
      }
    })
    return
  }
  client.publish(topic, text, { qos: Number(qos), retain: retain === 'retain' }, (err) => {
    if (err) {
      console.error(err.message)
      process.exit(1)
    }
    client.end()
  })
})
