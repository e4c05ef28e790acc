package apps_test

import (
	"flag"
	"image"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"testing"
)

var update = flag.Bool("update", false, "rewrite the picture of the documentation")

// The board is painted in the colors of the host's theme. -update writes the
// light picture into the documentation.
func TestPicture(t *testing.T) {
	t.Parallel()
	h := startHost(t)
	address, _ := startBoard(t,
		message{"Ada", "The build is green again. The fuzz targets ran for an hour and found nothing."},
		message{"Grace", "Who has the key to the lab?"},
		message{"Zoë", "I do. It hangs beside the door, please bring it back before six."})
	for scheme, isRight := range map[string]func(gray uint8) bool{
		"light": func(gray uint8) bool { return gray > 220 },
		"dark":  func(gray uint8) bool { return gray < 60 },
	} {
		t.Run(scheme, func(t *testing.T) {
			t.Parallel()
			file := filepath.Join(t.TempDir(), scheme+".png")
			if *update && scheme == "light" {
				file = "../../docs/apps-board.png"
			}
			var saw struct{}
			h.run(scenarioContext(t), t, "picture", address, map[string]any{"scheme": scheme, "file": file}, &saw)
			picture := decodePicture(t, file)
			middle := picture.Bounds().Dx() / 2
			if gray := color.GrayModel.Convert(picture.At(middle, 6)).(color.Gray).Y; !isRight(gray) {
				t.Errorf("the background has the gray %d", gray)
			}
			if n := shades(picture); n < 50 {
				t.Errorf("the picture has %d shades, so there is hardly any text in it", n)
			}
		})
	}
}

func decodePicture(t *testing.T, file string) image.Image {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	picture, err := png.Decode(f)
	if err != nil {
		t.Fatal(err)
	}
	return picture
}

// shades counts the grays of a picture. Letters are painted in many.
func shades(picture image.Image) int {
	seen := map[color.Color]bool{}
	bounds := picture.Bounds()
	for y := bounds.Min.Y; y < bounds.Max.Y; y++ {
		for x := bounds.Min.X; x < bounds.Max.X; x++ {
			seen[color.GrayModel.Convert(picture.At(x, y))] = true
		}
	}
	return len(seen)
}
