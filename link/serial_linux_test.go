package link

import (
	"os"
	"path/filepath"
	"reflect"
	"testing"
)

func TestPortsAreListedWithoutOpeningThem(t *testing.T) {
	root := t.TempDir()
	real := sysTTY
	sysTTY = filepath.Join(root, "class")
	t.Cleanup(func() { sysTTY = real })
	put := func(path, text string) {
		path = filepath.Join(root, path)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	device := func(name, at string) {
		put(filepath.Join(at, "x"), "")
		put(filepath.Join("class", name, "dev"), "188:0")
		if at != "" {
			if err := os.Symlink(filepath.Join(root, at), filepath.Join(root, "class", name, "device")); err != nil {
				t.Fatal(err)
			}
		}
	}
	device("ttyUSB10", "usb1/1-2/1-2:1.0/ttyUSB10")
	put("usb1/1-2/idVendor", "067b")
	put("usb1/1-2/idProduct", "23a3")
	put("usb1/1-2/product", "USB-Serial Controller")
	put("usb1/1-2/serial", "A600XYZ")
	device("ttyUSB9", "usb1/1-3/1-3:1.0/ttyUSB9")
	device("ttyS0", "pnp/00:01")
	put("class/ttyS0/type", "4")
	device("ttyS1", "platform/serial8250")
	put("class/ttyS1/type", "0")
	device("tty1", "")
	ports, err := SerialPorts()
	want := []SerialPort{{Name: "/dev/ttyS0"}, {Name: "/dev/ttyUSB9"}, {"/dev/ttyUSB10", "067B:23A3", "USB-Serial Controller", "", "A600XYZ"}}
	if err != nil || !reflect.DeepEqual(ports, want) {
		t.Errorf("%+v, %v; want %+v", ports, err, want)
	}
	sysTTY = filepath.Join(root, "nowhere")
	if ports, err := SerialPorts(); err != nil || len(ports) > 0 {
		t.Errorf("a system without ports: %v, %v", ports, err)
	}
}

// The adapter comes back under another number.
func TestUSBPortIsKnownByItsSerialNumber(t *testing.T) {
	dir := t.TempDir()
	real := byID
	byID = filepath.Join(dir, "by-id")
	t.Cleanup(func() { byID = real })
	if err := os.Mkdir(byID, 0o755); err != nil {
		t.Fatal(err)
	}
	old, now, id := filepath.Join(dir, "ttyUSB0"), filepath.Join(dir, "ttyUSB1"), filepath.Join(byID, "usb-Prolific_A600XYZ-if00-port0")
	for _, f := range []string{old, now} {
		if err := os.WriteFile(f, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(old, id); err != nil {
		t.Fatal(err)
	}
	name, other := rememberPort(old), rememberPort(now)
	os.Remove(id)
	if got := name(); got != old {
		t.Errorf("while it is away it is %s", got)
	}
	if err := os.Symlink(now, id); err != nil {
		t.Fatal(err)
	}
	if got := name(); got != now {
		t.Errorf("it came back as %s, not %s", got, now)
	}
	if got := other(); got != now {
		t.Errorf("a port without a serial number is %s", got)
	}
}
