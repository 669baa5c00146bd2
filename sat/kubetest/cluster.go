package kubetest

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
)

const (
	// Issuer is the iss claim of the cluster's tokens, and the audience of the
	// API server itself.
	Issuer = "https://kubernetes.default.svc.cluster.local"

	// StaticUser is a user that is no service account. See Cluster.StaticToken.
	StaticUser = "static-user"
)

// patience bounds how long the server may take to be ready. It takes 3 s on an
// idle machine.
const patience = 3 * time.Minute

// Cluster is an API server and its store. It is safe for concurrent use, but
// who stops the server should have it alone.
type Cluster struct {
	URL    string // https://127.0.0.1:PORT, the same after a restart
	CAFile string // the authority of the server's certificate, in PEM

	Kube        *kubernetes.Clientset // with the rights of the administrator
	StaticToken string                // of StaticUser, who has no rights

	adminToken string
	folder     string
	release    func() // of the folder
	programs   string
	port       *port
	signer     signer
	storeLog   tail
	serverLog  tail

	mu     sync.Mutex
	store  *process
	server *process // nil while it is stopped
}

// New starts a cluster that ends with the test. If the test fails, it shows the
// end of the server's log.
func New(t testing.TB) *Cluster {
	t.Helper()
	c, err := Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		c.Close()
		if t.Failed() {
			t.Logf("kube-apiserver said at last:\n%s", c.Log())
		}
	})
	return c
}

// Open starts a cluster, for TestMain. Close must follow.
func Open(ctx context.Context) (*Cluster, error) {
	programs, err := Build(ctx)
	if err != nil {
		return nil, err
	}
	folder, release, err := newFolder()
	if err != nil {
		return nil, err
	}
	c := &Cluster{
		folder: folder, release: release, programs: programs, StaticToken: rand.Text(), adminToken: rand.Text(),
		CAFile: filepath.Join(folder, "ca.crt"),
	}
	if err := c.open(ctx); err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

func (c *Cluster) open(ctx context.Context) error {
	var err error
	if c.port, err = reserve(); err != nil {
		return err
	}
	c.URL = "https://127.0.0.1:" + strconv.Itoa(c.port.number)
	if err := c.writeFiles(); err != nil {
		return fmt.Errorf("kubetest: %w", err)
	}
	if c.Kube, err = kubernetes.NewForConfig(c.Config(c.adminToken)); err != nil {
		return fmt.Errorf("kubetest: %w", err)
	}
	if c.store, err = start(&c.storeLog, filepath.Join(c.programs, "etcd"), c.storeFlags()...); err != nil {
		return fmt.Errorf("kubetest: etcd: %w", err)
	}
	return c.Start(ctx)
}

// Config returns the configuration of a client with this token. It holds no
// client back.
func (c *Cluster) Config(token string) *rest.Config {
	return &rest.Config{
		Host: c.URL, BearerToken: token, QPS: -1, Timeout: 30 * time.Second,
		TLSClientConfig: rest.TLSClientConfig{CAFile: c.CAFile},
	}
}

// Start starts the API server and waits until it is ready. It does nothing if
// the server runs.
func (c *Cluster) Start(ctx context.Context) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.server != nil {
		return nil
	}
	p, err := start(&c.serverLog, filepath.Join(c.programs, "kube-apiserver"), c.serverFlags()...)
	if err != nil {
		return fmt.Errorf("kubetest: kube-apiserver: %w", err)
	}
	c.server = p
	if err := c.ready(ctx, p); err != nil {
		return fmt.Errorf("kubetest: %w; kube-apiserver said:\n%s\netcd said:\n%s", err, c.serverLog.last(30), c.storeLog.last(10))
	}
	return nil
}

// ready waits until the server p says that it is ready.
func (c *Cluster) ready(ctx context.Context, p *process) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		err := c.Kube.Discovery().RESTClient().Get().AbsPath("/readyz").Do(ctx).Error()
		if err == nil {
			return nil
		}
		select {
		case <-p.done:
			return errors.New("kube-apiserver ended by itself")
		case <-ctx.Done():
			return fmt.Errorf("kube-apiserver does not get ready: %w", err)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// Stop ends the API server at once, as a power failure would. What it stored
// stays, and so does its address: nobody else listens there.
func (c *Cluster) Stop() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.server.kill()
	c.server = nil
}

// Freeze stops the store in its tracks: the API server runs on, with what it
// has in memory. Thaw lets it go on.
func (c *Cluster) Freeze() error { return c.signalStore(syscall.SIGSTOP) }

// Thaw ends what Freeze began.
func (c *Cluster) Thaw() error { return c.signalStore(syscall.SIGCONT) }

func (c *Cluster) signalStore(s syscall.Signal) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.store.signal(s); err != nil {
		return fmt.Errorf("kubetest: etcd: %w", err)
	}
	return nil
}

// Close ends both programs and removes all that they stored.
func (c *Cluster) Close() {
	c.Stop()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.store.kill()
	if c.port != nil {
		c.port.release()
	}
	_ = os.RemoveAll(c.folder)
	c.release()
}

// Log returns the last that the API server said.
func (c *Cluster) Log() string { return c.serverLog.last(60) }
