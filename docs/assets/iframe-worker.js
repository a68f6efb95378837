// Browsers start no worker of a page that is opened from the disk: there, search runs in a frame.
if (location.protocol === "file:") {
  window.Worker = class {
    #frame = document.createElement("iframe")
    #waiting = []

    constructor(url) {
      const frame = this.#frame
      frame.hidden = true
      frame.srcdoc = `<script src="${url}"></` + "script>"
      frame.onload = () => {
        frame.contentWindow.postMessage = (data) => this.onmessage?.({ data })
        for (const data of this.#waiting.splice(0)) this.postMessage(data)
      }
      const attach = () => document.body.append(frame)
      document.body ? attach() : addEventListener("DOMContentLoaded", attach)
    }

    postMessage(data) {
      const { onmessage } = this.#frame.contentWindow ?? {}
      if (onmessage) setTimeout(() => onmessage({ data }))
      else this.#waiting.push(data)
    }

    terminate() {
      this.#frame.remove()
    }
  }
}
